"""The simulation's bounds, on fewer rollouts than the published table; see docs."""

import random
import statistics

import pytest

from tests.rollout_simulation import Summary, binomial, play, simulate


@pytest.fixture(scope="module")
def summary() -> Summary:
    return Summary(simulate(seed=20261124, good=25, bad=75))


def test_no_good_version_is_rolled_back_for_a_dependencys_fault(summary: Summary) -> None:
    assert sum(outcome.outages > 0 for outcome in summary.good) >= 10
    assert summary.good_blamed_for_an_outage == 0


def test_at_most_one_in_a_hundred_good_versions_is_rolled_back(summary: Summary) -> None:
    assert summary.good_rolled_back <= 0.01 * len(summary.good)


def test_bad_versions_are_rolled_back_at_the_first_step(summary: Summary) -> None:
    assert summary.bad_caught_at_first_step >= 0.99 * len(summary.bad)
    assert summary.bound_kept


@pytest.mark.parametrize("number", [1433, 1635, 1949])
def test_pods_that_crash_only_when_a_short_outage_is_over(number: int) -> None:
    """These were once rolled back: the canary crashed first, with all dependencies well again."""
    assert not play(7, number, bad=False).rolled_back


def test_the_same_seed_plays_the_same(summary: Summary) -> None:
    again = simulate(seed=20261124, good=0, bad=3)
    assert again == summary.bad[:3]


def test_the_table_is_markdown(summary: Summary) -> None:
    lines = summary.table().splitlines()
    assert {line.count("|") for line in lines} == {4}
    assert Summary(()).table()


@pytest.mark.parametrize(("trials", "chance"), [(1000, 0.01), (208, 0.3), (50, 0.8), (10, 1.0)])
def test_the_traffic_is_binomial(trials: int, chance: float) -> None:
    dice = random.Random(5)
    drawn = [binomial(dice, trials, chance) for _ in range(4000)]
    assert statistics.fmean(drawn) == pytest.approx(trials * chance, rel=0.03)
    assert statistics.pvariance(drawn) == pytest.approx(trials * chance * (1 - chance), rel=0.1)
    assert binomial(dice, trials, 0.0) == 0
