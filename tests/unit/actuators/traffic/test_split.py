"""Weights: the share of two Services in what they have together."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resilience_operator.actuators.traffic.split import (
    Slot,
    Split,
    agrees,
    nothing_to_share,
    share_of,
    too_coarse,
    weights_for,
)


def make_split(stable: int, canary: int, others: int = 0) -> Split:
    slots = (Slot("/s", ("/s/name", "s"), stable), Slot("/c", ("/c/name", "c"), canary))
    return Split("rule 0", "f", *slots, others)


@pytest.mark.parametrize(
    ("stable", "canary", "others", "percent", "expected"),
    [
        (100, 0, 0, 5, (95, 5)),
        (1, 1, 0, 5, (95, 5)),  # does not divide, nobody else: 100 becomes the sum
        (950, 50, 0, 25, (750, 250)),  # divides: the sum stays
        (3, 0, 0, 100, (0, 3)),
        (3, 0, 0, 0, (3, 0)),
        (80, 0, 20, 5, (76, 4)),  # beside others the sum stays
        (90, 0, 10, 5, (85, 5)),  # 4.5 of 90 is rounded
        (0, 0, 0, 5, (0, 0)),  # a rule without their traffic
        (0, 0, 100, 50, (0, 0)),
    ],
)
def test_weights(
    stable: int, canary: int, others: int, percent: int, expected: tuple[int, int]
) -> None:
    assert weights_for(make_split(stable, canary, others), percent) == expected


@settings(deadline=None)
@given(
    stable=st.integers(0, 1_000_000),
    canary=st.integers(0, 1_000_000),
    others=st.integers(0, 1_000),
    percent=st.integers(0, 100),
)
def test_what_is_set_agrees_and_is_close_or_refused(
    stable: int, canary: int, others: int, percent: int
) -> None:
    split = make_split(stable, canary, others)
    after = make_split(*weights_for(split, percent), others)
    assert agrees(after, percent)
    if split.total == 0:
        return
    if others:
        assert after.total == split.total
    refused = too_coarse("HTTPRoute", "r", [split], percent) is not None
    assert refused == (abs(100 * after.canary.weight / after.total - percent) > 1)
    assert not refused or others


def test_a_tied_sum_that_is_too_small_is_a_problem_with_a_remedy() -> None:
    problem = too_coarse("HTTPRoute", "dashboard", [make_split(1, 1, 1)], 5)
    assert problem is not None
    assert problem.reason == "WeightsTooCoarse"
    assert "multiply all weights of that rule by 100" in problem.message


def test_the_share_is_the_wanted_one_where_all_rules_agree_and_else_the_largest() -> None:
    rounded = make_split(85, 5, 10)  # 5.6 %
    assert share_of([rounded, make_split(95, 5)], 5) == 5
    assert share_of([rounded, make_split(50, 50)], 5) == 50
    assert share_of([rounded], None) == 6


def test_no_weight_anywhere_is_a_problem() -> None:
    assert nothing_to_share("HTTPRoute", "r", [make_split(0, 0), make_split(1, 0)]) is None
    problem = nothing_to_share("HTTPRoute", "r", [make_split(0, 0)])
    assert problem is not None
    assert problem.reason == "NoTrafficToShare"
