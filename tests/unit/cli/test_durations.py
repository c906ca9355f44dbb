import pytest

from resilience_operator.cli.durations import ago, parse_duration, spoken


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("15m", 900),
        ("2h", 7200),
        ("1h30m", 5400),
        (" 1D12H ", 129_600),
        ("1d2h3m4s", 93_784),
        ("0s", None),
        ("", None),
        ("2", None),
        ("2 h", None),
        ("30m1h", None),
        ("-1h", None),
        ("1.5h", None),
    ],
)
def test_a_length_of_time_is_read_as_people_write_it(text: str, seconds: int | None) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-3, "0s"),
        (119.9, "119s"),
        (120, "2m"),
        (330, "5m30s"),
        (600, "10m"),
        (3599, "59m"),
        (3600, "1h"),
        (7500, "2h5m"),
        (172_800, "2d"),
        (180_000, "2d2h"),
        (1_000_000, "11d"),
    ],
)
def test_a_length_of_time_is_told_in_the_units_that_matter(seconds: float, words: str) -> None:
    assert spoken(seconds) == words


def test_no_time_is_no_words() -> None:
    assert ago(None, 0.0) == ""
    assert ago("yesterday", 0.0) == ""
