"""The words of a decision: one for programs, and a sentence for whoever is on call at 3 a.m.

A sentence names the dependency and says what happens next. It holds nothing that changes while
the situation does not (a countdown, the time of the next trial): status is written when it does.
"""

from collections.abc import Sequence
from typing import NamedTuple

from resilience_operator.api.v1alpha1.base import Level
from resilience_operator.api.v1alpha1.level import Freeze, Override
from resilience_operator.api.v1alpha1.policy_status import DependencyState
from resilience_operator.core.model import DependencyHealth, HealthScore
from resilience_operator.core.times import to_rfc3339

RECOVERY_REASONS = frozenset({"Recovering", "Recovered"})
# Names listed in a sentence before it says "and N more".
MAX_NAMES = 5


class Why(NamedTuple):
    """A PascalCase reason and its sentence."""

    reason: str
    message: str


def override(given: Override) -> Why:
    return Why(
        "Override",
        f"{given.requested_by} forced {given.level} until {given.expires_at} ({given.reason}); "
        "then the computed level takes force at once.",
    )


def override_ended(given: Override | None, computed: Level) -> Why:
    if given is None:
        return Why("OverrideRemoved", f"The override was removed; {computed} is as computed.")
    return Why(
        "OverrideExpired",
        f"The override by {given.requested_by} ended at {given.expires_at}; "
        f"{computed} is as computed.",
    )


def freeze(given: Freeze, level: Level) -> Why:
    return Why(
        "Frozen",
        f"Frozen at {level} until {given.expires_at} ({given.reason}); then the probes decide.",
    )


def awaiting(names: Sequence[str]) -> Why:
    return Why(
        "AwaitingEvidence",
        f"Waiting for the first probes of {listed(names)}; a level is decided when they have "
        "answered, or without them when they are stale.",
    )


def no_evidence(score: HealthScore, level: Level) -> Why:
    if score.scored == 0:
        return _nothing_scored(level)
    return Why(
        "NoEvidence",
        "No dependency has answered a probe either way, so nothing is taken away; the level "
        "follows the first answers.",
    )


def unsure(score: HealthScore, level: Level, dependencies: Sequence[DependencyHealth]) -> Why:
    names = [d.name for d in dependencies if d.weight and (d.health is None or d.assumed)]
    if not names:
        return _nothing_scored(level)
    return Why(
        "EvidenceIncomplete",
        f"Health is somewhere from {score.low} to {score.high} because {listed(names)} "
        f"{'is' if len(names) == 1 else 'are'} unknown; {level} stays until their probes answer.",
    )


def _nothing_scored(level: Level) -> Why:
    return Why("NothingScored", f"No dependency has a weight here; {level} stays.")


def degrading(cause: Why, current: Level, to: Level, due: float) -> Why:
    return Why(
        "Degrading",
        f"{cause.message} It goes from {current} to {to} at {to_rfc3339(due)} unless that changes.",
    )


def recovering(score: HealthScore, current: Level, to: Level, due: float) -> Why:
    return Why(
        "Recovering",
        f"Health {_health(score)} supports {to}; it steps up from {current} at {to_rfc3339(due)} "
        "unless a dependency fails again.",
    )


def stepped_up(score: HealthScore, to: Level, computed: Level | None) -> Why:
    if to is computed:
        return Why("Recovered", f"Health {_health(score)} has lasted long enough for {to}.")
    return Why(
        "Recovering",
        f"Health {_health(score)} has lasted long enough for a step up to {to}; the next step "
        "follows if it lasts.",
    )


def short_of(score: HealthScore, current: Level, target: Level, needed: int) -> Why:
    return Why(
        "MarginNotReached",
        f"Health {_health(score)} is in a better band, but a step up from {current} to {target} "
        f"takes {needed}.",
    )


def capped(
    names: Sequence[str], score: HealthScore, health: int, level: Level, by_score: Level
) -> Why:
    return Why(
        "CappedByDependency",
        f"{listed(names)} {'is' if len(names) == 1 else 'are'} down: no better than {level} until "
        f"the breaker closes, although {_found(score, health)} alone would give {by_score}.",
    )


def by_health(
    score: HealthScore, health: int, level: Level, dependencies: Sequence[DependencyHealth]
) -> Why:
    """The level as that health gives it, by the dependency that costs most."""
    limiting = next((d for d in dependencies if d.name == score.limiting), None)
    if limiting is None:
        return Why("AllHealthy", f"Every known dependency is healthy: {level}.")
    cause = f" ({limiting.reason})" if limiting.reason else ""
    match limiting.state:
        case DependencyState.DOWN:
            reason, what = "DependencyDown", "is down"
        case DependencyState.SLOW:
            reason, what = "DependencySlow", "is slow"
        case _:
            reason, what = "DependencyFailing", "fails some probes"
    comes = "" if level is Level.OPTIMAL else " The level climbs again once it answers."
    return Why(
        reason,
        f"{limiting.name} {what}{cause}; {_found(score, health)} gives {level}.{comes}",
    )


def listed(names: Sequence[str]) -> str:
    """`a, b and 3 more`."""
    shown = ", ".join(names[:MAX_NAMES])
    return f"{shown} and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else shown


def _found(score: HealthScore, health: int) -> str:
    """A health as it was found, or the best that it can be while not everything is known."""
    return f"health {health}" if health == score.value else f"a health of at most {health}"


def _health(score: HealthScore) -> str:
    return "unknown" if score.value is None else str(score.value)
