from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilience_operator.api.v1alpha1.base import Level
from resilience_operator.api.v1alpha1.policy import Feature
from resilience_operator.core.bands import rank
from resilience_operator.core.features import claim, feature_states, variants
from tests.builders import make_level, make_policy

OPTIMAL, DEGRADED, LIMITED, MINIMAL, EMERGENCY = Level
STATES = st.sampled_from(["on", "cached", "basic", "off"])
FEATURES = st.builds(
    lambda optimal, others, without: Feature(
        name="search",
        states={OPTIMAL: optimal, **others},
        requires=("openai",),
        when_unavailable=without,
    ),
    STATES,
    st.dictionaries(st.sampled_from(list(Level)[1:]), STATES),
    st.one_of(st.none(), STATES, st.just("elsewhere")),
)


def make_feature(states: Mapping[str, str], without: str | None = None) -> Feature:
    policy = make_policy().feature("search", states, ("openai",), without).build()
    return policy.spec.features[0]


def state(feature: Feature, level: Level, *down: str) -> str:
    return feature_states([feature], level, down)["search"]


@pytest.mark.parametrize(
    ("level", "expected"),
    [(OPTIMAL, "on"), (DEGRADED, "on"), (LIMITED, "cached"), (MINIMAL, "off"), (EMERGENCY, "off")],
)
def test_a_level_not_named_takes_the_next_better_ones(level: Level, expected: str) -> None:
    feature = make_feature({"OPTIMAL": "on", "LIMITED": "cached", "MINIMAL": "off"})
    assert state(feature, level) == expected
    assert state(feature, level, "redis") == expected


@pytest.mark.parametrize(
    ("story", "states", "without", "level", "expected"),
    [
        ("by default the EMERGENCY state", {"OPTIMAL": "on", "MINIMAL": "off"}, None,
         OPTIMAL, "off"),
        ("or what the user says", {"OPTIMAL": "on", "MINIMAL": "off"}, "cached", OPTIMAL, "cached"),
        ("a level that has gone further wins", {"OPTIMAL": "on", "LIMITED": "cached",
         "MINIMAL": "off"}, "cached", MINIMAL, "off"),
        ("also when no level names the state", {"OPTIMAL": "on", "MINIMAL": "off"}, "cached",
         MINIMAL, "off"),
        ("a level half-way gives way", {"OPTIMAL": "on", "DEGRADED": "fresh", "MINIMAL": "off"},
         "cached", DEGRADED, "cached"),
        ("the level never brings it back up", {"OPTIMAL": "on", "LIMITED": "cached",
         "MINIMAL": "off"}, "off", LIMITED, "off"),
        ("a feature with one state for all levels", {"OPTIMAL": "on"}, "cached",
         EMERGENCY, "cached"),
        ("and nothing else to say", {"OPTIMAL": "on"}, None, EMERGENCY, "on"),
    ],
)  # fmt: skip
def test_while_a_required_dependency_is_down(
    story: str, states: dict[str, str], without: str | None, level: Level, expected: str
) -> None:
    assert state(make_feature(states, without), level, "openai") == expected, story


def test_variants_are_every_state_once_best_first() -> None:
    states = {"OPTIMAL": "on", "LIMITED": "cached", "MINIMAL": "off", "EMERGENCY": "on"}
    assert variants(make_feature(states)) == ("on", "cached", "off")
    assert variants(make_feature({"OPTIMAL": "on"}, "cached")) == ("on", "cached")


def test_a_feature_without_an_optimal_state_takes_the_first_it_has() -> None:
    feature = make_feature({"MINIMAL": "off"})
    assert state(feature, OPTIMAL) == "off"


@given(FEATURES, st.sampled_from(list(Level)))
def test_every_state_is_a_variant(feature: Feature, level: Level) -> None:
    assert state(feature, level) in variants(feature)
    assert state(feature, level, "openai") in variants(feature)


@given(FEATURES, st.sampled_from(list(Level)))
def test_an_outage_never_brings_a_feature_back_up(feature: Feature, level: Level) -> None:
    own, without = state(feature, level), state(feature, level, "openai")
    order = list(dict.fromkeys(state(feature, each) for each in Level))
    if without in order:
        assert order.index(without) >= order.index(own)
    else:
        # A state that no level names gives way to the worst one only.
        assert own != order[-1] or len(order) == 1


@given(FEATURES, st.sampled_from(list(Level)), st.sampled_from(list(Level)))
def test_a_worse_level_is_never_a_better_state_where_states_only_get_worse(
    feature: Feature, one: Level, other: Level
) -> None:
    order = list(dict.fromkeys(state(feature, level) for level in Level))
    falling = [order.index(state(feature, level)) for level in Level]
    if falling == sorted(falling):
        better, worse = sorted((one, other), key=rank)
        assert falling[rank(better)] <= falling[rank(worse)]


def test_levels_claim_features_and_the_default_level_governs_the_rest() -> None:
    policy = make_policy()
    for name in ("checkout", "search", "reviews", "chat"):
        policy = policy.feature(name, {"OPTIMAL": "on"})
    features = policy.build().spec.features
    levels = [
        make_level("inventario").governs("checkout").build(),
        make_level("z-shop").governs("checkout", "search").build(),
        make_level("shop").governs("checkout", "nonsense").build(),
    ]
    found = claim(features, levels, "inventario")
    assert {name: [each.name for each in governed] for name, governed in found.items()} == {
        "inventario": ["reviews", "chat"],
        "shop": ["checkout"],  # the first by name of the two that list it
        "z-shop": ["search"],
    }
    assert claim(features, [], "inventario") == {"inventario": features}
