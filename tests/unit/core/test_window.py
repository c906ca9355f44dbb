import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilience_operator.api.v1alpha1.policy import WindowSpec
from resilience_operator.core.model import Sample, Window
from resilience_operator.core.window import (
    add,
    enough,
    failure_rate_percent,
    percentile_ms,
    slow_rate_percent,
)

SAMPLES = st.builds(
    lambda ok, slow, ms: Sample(ok, ok and slow, ms),
    st.booleans(),
    st.booleans(),
    st.floats(0, 10_000),
)


def window_of(picture: str) -> Window:
    """`.` is a success, `s` a slow one, `x` a failure."""
    return Window(tuple(Sample(each != "x", each == "s", 100.0) for each in picture))


@pytest.mark.parametrize(
    ("picture", "failing", "slow"),
    [
        ("", 0, 0),
        (".", 0, 0),
        ("x", 100, 0),
        ("..x", 33, 0),
        (".xx", 66, 0),
        ("x.x.", 50, 0),
        ("ss..", 0, 50),
        ("xxss", 50, 100),  # of the successes, all are slow
        ("ss.", 0, 66),
    ],
)
def test_rates_are_whole_per_cents_rounded_down(picture: str, failing: int, slow: int) -> None:
    window = window_of(picture)
    assert failure_rate_percent(window) == failing
    assert slow_rate_percent(window) == slow


def test_the_oldest_samples_fall_out() -> None:
    window = Window()
    for each in "xxx...":
        window = add(window, Sample(each != "x", False, 1.0), WindowSpec(size=4))
    assert [sample.ok for sample in window.samples] == [False, True, True, True]


@pytest.mark.parametrize(
    ("picture", "size", "minimum", "expected"),
    [
        ("..", 10, 3, False),
        ("...", 10, 3, True),
        ("..", 2, 3, True),  # a window that can never hold `minimum` is enough when it is full
    ],
)
def test_enough(picture: str, size: int, minimum: int, expected: bool) -> None:
    assert enough(window_of(picture), WindowSpec(size=size, minimum=minimum)) is expected


def test_percentiles_are_by_nearest_rank_and_leave_failures_out() -> None:
    samples = [Sample(True, False, float(ms)) for ms in range(1, 21)] + [Sample(False, False, 0.0)]
    window = Window(tuple(samples))
    assert percentile_ms(window, 50) == 10
    assert percentile_ms(window, 95) == 19
    assert percentile_ms(window, 100) == 20
    assert percentile_ms(window, 0) == 1
    assert percentile_ms(window_of("xxx"), 50) is None


@given(st.lists(SAMPLES, max_size=40), st.integers(1, 12))
def test_a_window_is_the_last_samples(samples: list[Sample], size: int) -> None:
    window, spec = Window(), WindowSpec(size=size)
    for sample in samples:
        window = add(window, sample, spec)
    assert list(window.samples) == samples[-size:]
    assert 0 <= failure_rate_percent(window) <= 100
    assert 0 <= slow_rate_percent(window) <= 100


@given(st.lists(SAMPLES, min_size=1, max_size=40), st.integers(1, 100))
def test_a_rate_reaches_a_threshold_exactly_when_the_true_share_does(
    samples: list[Sample], threshold: int
) -> None:
    window = Window(tuple(samples))
    failed = sum(not sample.ok for sample in samples)
    assert (failure_rate_percent(window) >= threshold) == (100 * failed >= threshold * len(samples))
