"""The state of every feature: from the level, and from the dependencies it cannot do without.

A feature's states are ordered from best to worst by the level that first brings them: `{OPTIMAL:
on, LIMITED: cached, MINIMAL: off}` reads on, cached, off. Of what the level says and what
`whenUnavailable` says, the one further down that order wins: an outage may take a feature down
but never brings it back up. A `whenUnavailable` that no level names ranks just above the worst
state, so it gives way to a level that has already gone as far as it can.
"""

from collections.abc import Collection, Mapping, Sequence

from resilience_operator.api.v1alpha1.base import Level
from resilience_operator.api.v1alpha1.level import DegradationLevel
from resilience_operator.api.v1alpha1.policy import Feature
from resilience_operator.core.bands import SCALE, rank


def feature_states(
    features: Sequence[Feature], level: Level, down: Collection[str]
) -> dict[str, str]:
    """The state of each feature at `level` while the dependencies in `down` are down."""
    return {feature.name: _state(feature, level, down) for feature in features}


def held_states(
    features: Sequence[Feature], level: Level, before: Mapping[str, str]
) -> dict[str, str]:
    """The states of `before` that the level allows, with what each feature requires or without."""
    return {
        feature.name: before[feature.name]
        for feature in features
        if before.get(feature.name)
        in (_state(feature, level, ()), _state(feature, level, feature.requires))
    }


def states_by_level(feature: Feature) -> tuple[str, ...]:
    """The state at each level, best level first; one not named takes the next better one's.

    Should OPTIMAL not be named, which the CRD refuses, it takes the first state that is.
    """
    named = feature.states
    state = next(iter(named.values()))
    return tuple(state := named.get(level, state) for level in SCALE)


def variants(feature: Feature) -> tuple[str, ...]:
    """Every state that the feature can be in, best first, each once."""
    states = states_by_level(feature)
    extra = (feature.when_unavailable,) if feature.when_unavailable else ()
    return tuple(dict.fromkeys((*states, *extra)))


def claim(
    features: Sequence[Feature], levels: Sequence[DegradationLevel], default: str
) -> Mapping[str, tuple[Feature, ...]]:
    """Which level governs which features, by level name.

    Levels other than the default one govern what they list, the first by name when two list the
    same feature; `default` governs all that is left.
    """
    owner = {
        name: level.name
        for level in sorted(levels, key=lambda each: each.name, reverse=True)
        if level.name != default
        for name in level.spec.features
    }
    names = [default, *(level.name for level in levels if level.name != default)]
    return {
        name: tuple(each for each in features if owner.get(each.name, default) == name)
        for name in names
    }


def _state(feature: Feature, level: Level, down: Collection[str]) -> str:
    states = states_by_level(feature)
    own = states[rank(level)]
    if not any(name in down for name in feature.requires):
        return own
    without = feature.when_unavailable or states[-1]
    order = tuple(dict.fromkeys(states))
    return max(own, without, key=lambda state: _badness(state, order))


def _badness(state: str, order: Sequence[str]) -> int:
    """Twice the position in the order, so that a state in no level fits before the worst."""
    if state in order:
        return 2 * order.index(state)
    return max(1, 2 * (len(order) - 1) - 1)
