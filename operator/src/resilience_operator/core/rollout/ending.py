"""How a rollout ends: traffic goes home first, and only then is it called what it is.

`status.ending` says what it will be; until the router reports the old weights the phase is Held
(or Promoting, on the way to success) and the effect is asked for again in every decision.
"""

from resilience_operator.api.v1alpha1.rollout_status import (
    Attribution,
    RolloutPhase,
    RolloutRecord,
)
from resilience_operator.core.rollout.model import Effect, RolloutPlan
from resilience_operator.core.rollout.turn import POLL_SECONDS, ROUTE_MISSING, Turn, is_home
from resilience_operator.core.times import to_rfc3339

MAX_HISTORY = 10
# Between why a rollout ends and what keeps it from ending.
_BUT = " Not yet: "

_EVENTS = {
    RolloutPhase.SUCCEEDED: "RolloutSucceeded",
    RolloutPhase.ROLLED_BACK: "RolloutRolledBack",
    RolloutPhase.FAILED: "RolloutFailed",
}


def end_as(turn: Turn, result: RolloutPhase, reason: str, message: str, blame: Attribution) -> Turn:
    """The turn with the rollout on its way to this end."""
    return turn.having(
        phase=RolloutPhase.HELD,
        ending=result,
        reason=reason,
        message=message,
        attribution=blame,
        held_since=turn.status.held_since or to_rfc3339(turn.now),
        suspect_since=None,
    ).warn("RollingBack", message)


def lost(turn: Turn) -> Turn:
    """The canary Deployment has vanished in mid-rollout."""
    name = turn.seen.canary.name
    message = f"Deployment {name} is gone in mid-rollout; its traffic goes back to stable."
    return end_as(turn, RolloutPhase.FAILED, "CanaryMissing", message, Attribution.NONE)


def bring_home(turn: Turn) -> RolloutPlan:
    """Asks for the old weights until the router reports them; then the rollout has ended."""
    status, seen = turn.status, turn.seen
    if is_home(turn) or _never_left(turn):
        return finish(turn, status.ending or RolloutPhase.ROLLED_BACK).plan(wake_at=turn.now)
    problem = seen.traffic.problem
    if problem is not None and problem.reason != ROUTE_MISSING:
        return _kept(turn, problem.message).plan(wake_at=turn.now + POLL_SECONDS)
    if seen.stable.ready == 0 and not turn.by_replicas:
        none_ready = f"{seen.stable.name} has no ready pod to take the traffic."
        return _kept(turn, none_ready).plan(wake_at=turn.now + POLL_SECONDS)
    return _kept(turn, "").plan(Effect.RESTORE_WEIGHTS, wake_at=turn.now + POLL_SECONDS)


def _kept(turn: Turn, why: str) -> Turn:
    """The turn with what keeps the traffic from going home behind the reason for its going."""
    message, _, before = turn.status.message.partition(_BUT)
    if why == before:
        return turn
    turn = turn.having(message=f"{message}{_BUT}{why}" if why else message)
    return turn.warn("RollbackWaiting", turn.status.message) if why else turn


def _never_left(turn: Turn) -> bool:
    """Whether nothing was ever set, so that a router out of reach keeps nobody from ending."""
    status = turn.status
    return status.step == 0 and status.weight == 0 and turn.seen.traffic.weight is None


def finish(turn: Turn, result: RolloutPhase, weight: int = 0) -> Turn:
    """The turn with the rollout over, remembered, and this revision not started again."""
    status = turn.status
    turn = _kept(turn, "").having(
        phase=result,
        ending=None,
        weight=weight,
        finished_revision=status.revision,
        window_started_at=None,
        held_since=None,
        hold_counts_since=None,
        suspect_since=None,
        originals=status.originals if weight else (),
        history=remembering(turn, result),
    )
    record = turn.say if result is RolloutPhase.SUCCEEDED else turn.warn
    return record(_EVENTS[result], turn.status.message)


def remembering(turn: Turn, result: RolloutPhase, reason: str = "") -> tuple[RolloutRecord, ...]:
    """The history with the present rollout in it; the oldest one goes."""
    status = turn.status
    record = RolloutRecord(
        revision=status.revision,
        result=result,
        attribution=status.attribution,
        reason=reason or status.reason,
        started_at=status.started_at,
        ended_at=to_rfc3339(turn.now),
        step=status.step,
    )
    return (*status.history, record)[-MAX_HISTORY:]
