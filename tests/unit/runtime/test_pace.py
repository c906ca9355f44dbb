import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from resilience_operator.runtime import pace

instants = st.floats(1.6e9, 2e9)
intervals = st.integers(1, 3600)
fractions = st.floats(0, 0.999)


def test_a_policy_on_its_own_is_probed_at_once() -> None:
    assert pace.first_due(1000.0, 0.99, 3600.0, unstarted=4) <= 1000.04


def test_a_thousand_that_arrive_together_are_spread_over_four_seconds() -> None:
    assert pace.first_due(1000.0, 0.5, 3600.0, unstarted=1000) == 1002.0


def test_nobody_waits_longer_than_an_interval() -> None:
    assert pace.first_due(1000.0, 0.9, 1.0, unstarted=100_000) == 1000.9


@given(instants, intervals, fractions, st.floats(0, 0.95), st.booleans())
def test_the_usual_pace_has_no_drift(
    start: float, interval: int, part: float, latency: float, from_the_end: bool
) -> None:
    """Whatever the latency: once on the grid, every start is exactly one interval on."""
    offset = part * interval
    spent = latency * interval

    def settle(started: float) -> float:
        wish = started + interval + (spent if from_the_end else 0.0)
        return pace.settle(wish, started, started + spent, interval, offset)

    first = settle(start)
    assert interval / 2 - 1e-5 <= first - start <= 1.5 * interval + 1e-5
    assert settle(first) - first == pytest.approx(interval, abs=1e-5)


@given(instants, intervals, fractions, st.floats(0, 3000), st.floats(0, 0.95))
def test_any_other_wish_is_met_to_the_letter(
    start: float, interval: int, part: float, wait: float, latency: float
) -> None:
    spent = latency * interval
    assume(not interval - 0.01 <= wait <= interval + spent + 0.01)
    wish = start + wait
    assert pace.settle(wish, start, start + spent, interval, part * interval) == wish


@pytest.mark.parametrize("never", [math.inf, math.nan, 1e300])
def test_nobody_can_ask_for_never(never: float) -> None:
    assert pace.settle(never, 1000.0, 1001.0, 10.0, 0.0) == 1000.0 + pace.MAX_WAIT_SECONDS


def test_two_starts_keep_their_distance() -> None:
    assert pace.spaced(5.0, None) == 5.0
    assert pace.spaced(5.0, started=5.0) == 5.2
    assert pace.spaced(6.0, started=5.0) == 6.0
