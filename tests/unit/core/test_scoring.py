import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilience_operator.api.v1alpha1.base import Level
from resilience_operator.api.v1alpha1.policy import Levels
from resilience_operator.core.bands import band
from resilience_operator.core.model import DependencyHealth
from resilience_operator.core.scoring import score
from tests.builders import REFERENCE_WEIGHTS, make_health

HEALTHS = st.one_of(st.none(), st.integers(0, 100))
DEPENDENCIES = st.lists(st.tuples(st.integers(0, 100), HEALTHS), min_size=1, max_size=10).map(
    lambda pairs: [make_health(f"d{i}", weight, health) for i, (weight, health) in enumerate(pairs)]
)


def reference(*down: str) -> list[DependencyHealth]:
    return [
        make_health(name, weight, 0 if name in down else 100)
        for name, weight in REFERENCE_WEIGHTS.items()
    ]


@pytest.mark.parametrize(
    ("down", "value", "level"),
    [
        ((), 100, Level.OPTIMAL),
        (("s3",), 95, Level.OPTIMAL),
        (("redis",), 85, Level.DEGRADED),
        (("postgres",), 70, Level.DEGRADED),
        (("openai",), 50, Level.LIMITED),
        (("openai", "postgres"), 20, Level.MINIMAL),
        (("openai", "postgres", "redis"), 5, Level.EMERGENCY),
        (("openai", "postgres", "redis", "s3"), 0, Level.EMERGENCY),
    ],
)
def test_reference_outages_land_exactly_on_the_edges_in_every_order(
    down: tuple[str, ...], value: int, level: Level
) -> None:
    for dependencies in itertools.permutations(reference(*down)):
        found = score(dependencies)
        assert (found.value, found.low, found.high) == (value, value, value)
        assert band(value, Levels()) is level


def test_unknown_dependencies_are_left_out_of_the_value_and_widen_the_bounds() -> None:
    found = score([make_health("openai", 50, 0), make_health("postgres", 30, None)])
    assert (found.value, found.low, found.high) == (0, 0, 37)
    assert (found.known, found.scored) == (1, 2)


def test_health_from_before_a_restart_counts_in_the_value_only() -> None:
    found = score([make_health("openai", 50, 100, assumed=True), make_health("redis", 50, 80)])
    assert (found.value, found.low, found.high) == (90, 40, 90)
    assert found.known == 2


def test_a_weight_of_zero_is_watched_and_not_scored() -> None:
    found = score([make_health("openai", 50, 100), make_health("metrics", 0, 0)])
    assert (found.value, found.scored, found.limiting) == (100, 1, None)


def test_nothing_known() -> None:
    found = score([make_health("openai", 50, None)])
    assert (found.value, found.low, found.high, found.limiting) == (None, 0, 100, None)


def test_nothing_scored() -> None:
    found = score([make_health("openai", 0, 100)])
    assert (found.value, found.low, found.high, found.scored) == (None, 0, 100, 0)


@pytest.mark.parametrize(
    ("healths", "limiting"),
    [
        ((100, 100, 100, 100), None),
        ((90, 0, 100, 100), "postgres"),  # 30 x 100 costs more than 50 x 10
        ((40, 0, 100, 100), "openai"),  # the same cost: the first in the spec
        ((100, 100, None, 50), "s3"),  # what is unknown costs nothing
    ],
)
def test_limiting_is_what_costs_most(healths: tuple[int | None, ...], limiting: str | None) -> None:
    dependencies = [
        make_health(name, weight, health)
        for (name, weight), health in zip(REFERENCE_WEIGHTS.items(), healths, strict=True)
    ]
    assert score(dependencies).limiting == limiting


@given(DEPENDENCIES, st.randoms(use_true_random=False))
def test_the_order_does_not_matter(dependencies: list[DependencyHealth], random: object) -> None:
    shuffled = list(dependencies)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = score(dependencies), score(shuffled)
    assert (one.value, one.low, one.high) == (other.value, other.low, other.high)


@given(DEPENDENCIES)
def test_bounds_enclose_the_value(dependencies: list[DependencyHealth]) -> None:
    found = score(dependencies)
    assert 0 <= found.low <= found.high <= 100
    if found.value is not None:
        assert found.low <= found.value <= found.high
        if found.known == found.scored:
            assert found.low == found.high == found.value


@given(DEPENDENCIES, st.data())
def test_better_health_never_lowers_the_score(
    dependencies: list[DependencyHealth], data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(dependencies) - 1))
    chosen = dependencies[index]
    if chosen.health is None:
        return
    better = make_health(chosen.name, chosen.weight, data.draw(st.integers(chosen.health, 100)))
    improved = [*dependencies[:index], better, *dependencies[index + 1 :]]
    before, after = score(dependencies), score(improved)
    assert (before.value or 0) <= (after.value or 0)
    assert before.low <= after.low
    assert before.high <= after.high


@given(DEPENDENCIES, st.lists(st.integers(0, 100), min_size=10, max_size=10))
def test_whatever_the_unknown_turn_out_to_be_the_score_lies_within_the_bounds(
    dependencies: list[DependencyHealth], truth: list[int]
) -> None:
    found = score(dependencies)
    revealed = [
        make_health(each.name, each.weight, truth[i] if each.health is None else each.health)
        for i, each in enumerate(dependencies)
    ]
    value = score(revealed).value
    assert value is None or found.low <= value <= found.high
