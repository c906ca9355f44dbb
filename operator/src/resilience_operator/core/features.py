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


def feature_states(
    features: Sequence[Feature], level: Level, down: Collection[str]
) -> dict[str, str]:
    """The state of each feature at `level` while the dependencies in `down` are down."""
    return {feature.name: _state(feature, level, down) for feature in features}


def state_at(feature: Feature, level: Level) -> str:
    """What the level alone says; a level not named takes the next better one's."""
    state = feature.states.get(Level.OPTIMAL) or next(iter(feature.states.values()))
    for each in Level:
        state = feature.states.get(each, state)
        if each is level:
            break
    return state


def variants(feature: Feature) -> tuple[str, ...]:
    """Every state that the feature can be in, best first, each once."""
    states = dict.fromkeys(_ordered(feature))
    if feature.when_unavailable:
        states[feature.when_unavailable] = None
    return tuple(states)


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
    own = state_at(feature, level)
    if not any(name in down for name in feature.requires):
        return own
    without = feature.when_unavailable or state_at(feature, Level.EMERGENCY)
    order = _ordered(feature)
    return max(own, without, key=lambda state: _badness(state, order))


def _ordered(feature: Feature) -> list[str]:
    return list(dict.fromkeys(state_at(feature, level) for level in Level))


def _badness(state: str, order: Sequence[str]) -> int:
    """Twice the position in the order, so that a state in no level fits before the worst."""
    if state in order:
        return 2 * order.index(state)
    return max(1, 2 * (len(order) - 1) - 1)
