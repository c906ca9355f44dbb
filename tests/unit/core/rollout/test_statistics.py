"""The tests behind the verdicts: against an oracle, as properties, and by simulation."""

import itertools
import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilience_operator.core.rollout.statistics import ALPHA, above_p, alpha_of, difference_p
from resilience_operator.core.rollout.values import BLOCK_LOOKS, BLOCK_SECONDS, apart, greater_p

# Made with scipy 1.17.1: the integral over t of N(d; t, V) N(t; 0, 0.02) by `integrate.quad`
# (relative error 1e-10), over N(d; 0, V); d and V as documented in statistics.py. No scipy at
# test time: the closed form is compared with what it is the closed form of.
DIFFERENCES = [
    ((15, 500, 95, 9500), 0.0011120339605017958),
    ((30, 1000, 10, 1000), 0.03211190843257485),
    ((75, 2500, 475, 47500), 1.6808111392055658e-18),
    ((40, 2500, 475, 47500), 0.1531272961964239),
    ((9, 700, 40, 7000), 0.6635361859616696),
    ((5, 500, 95, 9500), 1.0),
    ((0, 500, 0, 9500), 1.0),
    ((2, 500, 1, 9500), 1.0),
]
ABOVE = [
    ((40, 500, 0.05), 0.04966718821989693),
    ((80, 1000, 0.05), 0.0006447652860382731),
    ((600, 10_000, 0.05), 0.0002801402304502226),
    ((12, 500, 0.0), 5.070736445312683e-06),
    ((30, 500, 0.05), 1.0),
    ((3, 500, 0.0), 1.0),
]
totals = st.integers(500, 50_000)


@pytest.mark.parametrize(("counts", "p"), DIFFERENCES)
def test_the_difference_agrees_with_the_oracle(counts: tuple[int, int, int, int], p: float) -> None:
    assert difference_p(*counts) == pytest.approx(p, rel=1e-6)


@pytest.mark.parametrize(("counts", "p"), ABOVE)
def test_the_ceiling_agrees_with_the_oracle(counts: tuple[int, int, float], p: float) -> None:
    assert above_p(*counts) == pytest.approx(p, rel=1e-6)


@given(totals, totals, st.floats(0, 1), st.floats(0, 1))
def test_the_difference_is_symmetric_and_a_probability(
    canary: int, stable: int, canary_rate: float, stable_rate: float
) -> None:
    failures, others = canary * canary_rate, stable * stable_rate
    p = difference_p(failures, canary, others, stable)
    assert 0 <= p <= 1
    assert p == pytest.approx(difference_p(others, stable, failures, canary))


@given(totals, totals, st.floats(0, 0.3), st.integers(0, 200))
def test_more_failures_of_the_canary_are_more_evidence_against_it(
    canary: int, stable: int, rate: float, more: int
) -> None:
    failures = min(canary * 0.5, canary * rate + more)
    worse = min(canary * 0.5, failures + 10)
    stable_failures = stable * rate
    assert difference_p(worse, canary, stable_failures, stable) <= (
        difference_p(failures, canary, stable_failures, stable) * (1 + 1e-9)
    )


@given(totals, st.floats(0, 0.5), st.floats(0, 0.5))
def test_a_higher_ceiling_takes_more_evidence(total: int, rate: float, ceiling: float) -> None:
    failures = total * rate
    assert above_p(failures, total, ceiling) <= above_p(failures, total, min(rate, 0.5)) + 1e-12
    assert (above_p(failures, total, ceiling) < 1) <= (rate > ceiling)


def test_the_shares_of_alpha_add_up() -> None:
    shares = [metrics * alpha_of(metrics, n) for metrics in (1, 16) for n in range(1, 10_000)]
    assert sum(shares) == pytest.approx(2 * ALPHA, rel=1e-3)
    assert sum(shares) <= 2 * ALPHA
    assert alpha_of(0, 0) == alpha_of(1, 1)


@pytest.mark.parametrize("rate", [0.0001, 0.001, 0.01, 0.1, 0.5])
def test_two_hundred_looks_at_equal_arms_accuse_less_often_than_alpha(rate: float) -> None:
    """Worst at the rates where failures are few: there the normal approximation is bent."""
    dice, runs, alpha, accused = random.Random(11), 400, 0.02, 0
    for _ in range(runs):
        failures = [0.0, 0.0]
        counted = [0, 0]
        for _ in range(200):
            for arm, requests in ((0, 10), (1, 190)):
                counted[arm] += requests
                failures[arm] += _binomial(dice, requests, rate)
            if counted[0] < 500:
                continue
            p = difference_p(failures[0], counted[0], failures[1], counted[1])
            if failures[0] / counted[0] > failures[1] / counted[1] and p <= alpha:
                accused += 1
                break
    assert accused / runs <= alpha


def _binomial(dice: random.Random, trials: int, chance: float) -> float:
    """Exact for few trials, and near enough for the stable arm's many."""
    mean = trials * chance
    if mean > 5:
        return max(0, round(dice.gauss(mean, (mean * (1 - chance)) ** 0.5)))
    return sum(dice.random() < chance for _ in range(trials))


# Values, by rank.


@pytest.mark.parametrize("alpha", [0.5, 0.1, 0.02, 0.005])
def test_looks_at_alike_versions_accuse_no_more_often_than_alpha(alpha: float) -> None:
    """Exactly, over every way that fourteen looks can turn out."""
    every = list(itertools.product((False, True), repeat=14))
    accused = sum(greater_p(looks) <= alpha for looks in every)
    assert Fraction(accused, len(every)) <= alpha


def test_a_version_that_is_always_slower_is_found_in_a_dozen_looks() -> None:
    found = next(n for n in range(100) if greater_p([True] * n) <= alpha_of(1, 1))
    assert 8 <= found <= 13


def test_a_version_that_turns_slow_after_hours_is_found_too() -> None:
    alike = [bool(n % 2) for n in range(240)]
    assert greater_p(alike) > 0.3
    found = next(n for n in range(100) if greater_p([*alike, *[True] * n]) <= alpha_of(1, 1))
    assert found <= 40


@given(st.lists(st.booleans(), max_size=60))
def test_evidence_never_fades_and_grows_with_every_greater_value(looks: list[bool]) -> None:
    p = greater_p(looks)
    assert 0 < p <= 1
    assert greater_p([*looks, True]) <= p
    assert greater_p([*looks, False]) <= p
    assert greater_p([True for _ in looks]) <= p


@pytest.mark.parametrize(("interval", "kept"), [(15, 25), (60, 100), (7, 20), (600, 100)])
def test_only_looks_that_share_no_data_count(interval: int, kept: int) -> None:
    values = [float(n) for n in range(100)]
    found = apart(values, interval)
    assert len(found) == kept
    block = min(BLOCK_SECONDS, BLOCK_LOOKS * interval)
    assert all((b - a) * interval >= block for a, b in itertools.pairwise(found))
