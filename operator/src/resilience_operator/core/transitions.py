"""Events: one for each change that a person may want to be told of, none for a state that lasts."""

from collections.abc import Iterator, Sequence

from resilience_operator.api.v1alpha1.policy import ResiliencePolicy
from resilience_operator.api.v1alpha1.policy_status import BreakerPhase
from resilience_operator.core.bands import rank
from resilience_operator.core.model import DependencyHealth, EventPlan, LevelPlan, LevelTransition

NORMAL = "Normal"
WARNING = "Warning"


def breaker_events(
    policy: ResiliencePolicy, healths: Sequence[DependencyHealth]
) -> Iterator[EventPlan]:
    """Breakers that opened or closed since status was written; half-open counts as open."""
    before = {each.name: each.breaker.state for each in policy.status.dependencies}
    for health in healths:
        was_closed = before.get(health.name, BreakerPhase.CLOSED) is BreakerPhase.CLOSED
        if was_closed and health.down:
            yield EventPlan(WARNING, "BreakerOpened", _opened(health))
        elif not was_closed and not health.down:
            yield EventPlan(
                NORMAL, "BreakerClosed", f"{health.name} answers again; its breaker is closed."
            )


def level_events(default: str, plans: Sequence[LevelPlan]) -> Iterator[EventPlan]:
    """Changes of level, each on its DegradationLevel; the default level's on the policy too."""
    for plan in plans:
        transition = plan.decision.transition
        if transition is None:
            continue
        event = _event(transition, plan.decision.message)
        yield EventPlan(event.type, event.reason, event.message, level=plan.name)
        if plan.name == default:
            yield event


def _event(transition: LevelTransition, why: str) -> EventPlan:
    before, after = transition.from_level, transition.to_level
    if before is None:
        return EventPlan(NORMAL, "LevelDecided", f"{after}: {why}")
    if rank(after) > rank(before):
        return EventPlan(WARNING, "LevelDegraded", f"{before} -> {after}: {why}")
    return EventPlan(NORMAL, "LevelImproved", f"{before} -> {after}: {why}")


def _opened(health: DependencyHealth) -> str:
    cause = f" ({health.reason})" if health.reason else ""
    return f"{health.name} is down{cause}; its breaker is open and it is tried from time to time."
