"""Levels as an ordered scale: which band a health falls into, and which of two levels is worse."""

from collections.abc import Iterable

from resilience_operator.api.v1alpha1.base import Level
from resilience_operator.api.v1alpha1.policy import Levels

SCALE: tuple[Level, ...] = tuple(Level)
_RANKS = {level: position for position, level in enumerate(SCALE)}


def rank(level: Level) -> int:
    """0 for OPTIMAL to 4 for EMERGENCY."""
    return _RANKS[level]


def minimum(level: Level, levels: Levels) -> int:
    """The least health of a level."""
    return {
        Level.OPTIMAL: levels.optimal,
        Level.DEGRADED: levels.degraded,
        Level.LIMITED: levels.limited,
        Level.MINIMAL: levels.minimal,
        Level.EMERGENCY: 0,
    }[level]


def band(health: int, levels: Levels) -> Level:
    """The best level whose least health is not above `health`."""
    return next(level for level in SCALE if level is SCALE[-1] or health >= minimum(level, levels))


def worst(levels: Iterable[Level]) -> Level:
    """The worst of some levels; OPTIMAL of none."""
    return max(levels, key=rank, default=Level.OPTIMAL)


def better(level: Level) -> Iterable[Level]:
    """The levels better than this one, best first."""
    return SCALE[: rank(level)]
