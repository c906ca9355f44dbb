import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilience_operator.core.times import from_rfc3339, to_rfc3339, to_rfc3339_fine


@pytest.mark.parametrize(
    ("text", "epoch"),
    [
        ("2026-11-24T05:38:00Z", 1_795_498_680.0),
        ("2026-11-24T06:38:00+01:00", 1_795_498_680.0),
        ("2026-11-24T05:38:00.5Z", 1_795_498_680.5),
        ("2026-11-24T05:38:00", 1_795_498_680.0),
        ("soon", None),
        ("", None),
        (None, None),
        ("2026-13-45T99:00:00Z", None),
    ],
)
def test_reading(text: str | None, epoch: float | None) -> None:
    assert from_rfc3339(text) == epoch


def test_fractions_are_cut() -> None:
    assert to_rfc3339(1_795_498_680.9) == "2026-11-24T05:38:00Z"


@pytest.mark.parametrize(
    ("epoch", "text"),
    [
        (1_795_498_680.0, "2026-11-24T05:38:00.000Z"),
        (1_795_498_680.7001, "2026-11-24T05:38:00.701Z"),
        (1_795_498_680.9999, "2026-11-24T05:38:01.000Z"),
    ],
)
def test_fine_times_are_never_too_early(epoch: float, text: str) -> None:
    assert to_rfc3339_fine(epoch) == text


@given(st.floats(0, 4_000_000_000))
def test_fine_times_are_late_by_a_millisecond_at_most(epoch: float) -> None:
    read = from_rfc3339(to_rfc3339_fine(epoch))
    assert read is not None
    assert -0.00001 <= read - epoch <= 0.00101


@given(st.integers(0, 4_000_000_000))
def test_round_trip(epoch: int) -> None:
    assert from_rfc3339(to_rfc3339(epoch)) == epoch


@given(st.text(max_size=30))
def test_no_text_crashes(text: str) -> None:
    from_rfc3339(text)
