"""Events: one for each change that a person may want to be told of, none for a state that lasts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from resilience_operator.api.v1alpha1.policy import ResiliencePolicy
from resilience_operator.api.v1alpha1.policy_status import BreakerPhase
from resilience_operator.core import decisions
from resilience_operator.core.bands import rank
from resilience_operator.core.model import (
    DependencyHealth,
    EventPlan,
    Evidence,
    LevelPlan,
    LevelTransition,
)

NORMAL = "Normal"
WARNING = "Warning"


def breaker_events(
    policy: ResiliencePolicy,
    healths: Sequence[DependencyHealth],
    evidence: Mapping[str, Evidence],
) -> Iterator[EventPlan]:
    """Breakers that opened or closed since status was written; half-open counts as open."""
    before = {each.name: each.breaker.state for each in policy.status.dependencies}
    for health in healths:
        was_closed = before.get(health.name, BreakerPhase.CLOSED) is BreakerPhase.CLOSED
        if was_closed is not health.down:
            continue
        known = evidence.get(health.name, Evidence()).breaker
        yield EventPlan(
            *(_opened(health) if health.down else _closed(health)),
            dependency=health.name,
            decision_id=decisions.of_breaker(policy.uid, health.name, known),
        )


def level_events(default: str, plans: Sequence[LevelPlan]) -> Iterator[EventPlan]:
    """Changes of level, each on its DegradationLevel; the default level's on the policy too."""
    for plan in plans:
        transition = plan.decision.transition
        if transition is None:
            continue
        event = EventPlan(
            *_moved(transition, plan.decision.message),
            level=plan.name,
            dependency=None if plan.decision.overridden else plan.score.limiting,
            decision_id=plan.decision_id,
        )
        yield event
        if plan.name == default:
            yield replace(event, level=None)


class _Told(NamedTuple):
    """The type, the reason and the message of an event."""

    type: str
    reason: str
    message: str


def _moved(transition: LevelTransition, why: str) -> _Told:
    before, after = transition.from_level, transition.to_level
    if before is None:
        return _Told(NORMAL, "LevelDecided", f"{after}: {why}")
    if rank(after) > rank(before):
        return _Told(WARNING, "LevelDegraded", f"{before} -> {after}: {why}")
    return _Told(NORMAL, "LevelImproved", f"{before} -> {after}: {why}")


def _opened(health: DependencyHealth) -> _Told:
    cause = f" ({health.reason})" if health.reason else ""
    message = (
        f"{health.name} is down{cause}; its breaker is open and it is tried from time to time."
    )
    return _Told(WARNING, "BreakerOpened", message)


def _closed(health: DependencyHealth) -> _Told:
    message = f"{health.name} answers again; its breaker is closed."
    return _Told(NORMAL, "BreakerClosed", message)
