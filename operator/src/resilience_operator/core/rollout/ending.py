"""How a rollout ends: traffic goes home first, and only then is it called what it is.

`status.ending` says what it will be; until the router reports the old weights the phase is Held
(or Promoting, on the way to success) and the effect is asked for again in every decision.
"""

from resilience_operator.api.v1alpha1.rollout_status import Attribution, RolloutPhase
from resilience_operator.core.rollout.history import remembering
from resilience_operator.core.rollout.model import RolloutPlan
from resilience_operator.core.rollout.turn import (
    POLL_SECONDS,
    Turn,
    hands_off,
    is_home,
    refused,
    shared,
    way_home,
)
from resilience_operator.core.times import to_rfc3339

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
    """The canary's Deployment or Service has vanished in mid-rollout."""
    of = turn.seen.spec.canary
    name = f"Deployment {of.deployment}" if turn.seen.canary.missing else f"Service {of.service}"
    message = f"{name} is gone in mid-rollout; its traffic goes back to stable."
    return end_as(turn, RolloutPhase.FAILED, "CanaryMissing", message, Attribution.NONE)


def bring_home(turn: Turn) -> RolloutPlan:
    """Asks for the traffic to go home until the router reports it; then the rollout has ended.

    A problem of the router keeps nobody from asking, except that it is another tool's.
    """
    if is_home(turn) or _never_left(turn):
        return finish(turn, turn.status.ending or RolloutPhase.ROLLED_BACK).plan(wake_at=turn.now)
    forbidden = hands_off(turn)
    if forbidden is not None:
        return _kept(turn, forbidden.message).plan(wake_at=turn.now + POLL_SECONDS)
    if nobody_takes_over(turn):
        none_ready = f"{turn.seen.stable.name} has no ready pod to take the traffic."
        return _kept(turn, none_ready).plan(wake_at=turn.now + POLL_SECONDS)
    effect = way_home(turn)
    unread = turn.seen.traffic.problem if turn.seen.traffic.weight is None else None
    why = refused(turn, effect) or unread
    return _kept(turn, why.message if why else "").plan(effect, wake_at=turn.now + POLL_SECONDS)


def nobody_takes_over(turn: Turn) -> bool:
    """Whether the canary still answers, and stable would not."""
    canary_answers = turn.seen.canary.ready > 0 and not turn.seen.traffic.canary_gone
    return turn.seen.stable.ready == 0 and canary_answers and not turn.by_replicas


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
    # A canary that had traffic before gets it back when its version is stable's.
    left_out = shared(turn) and result is not RolloutPhase.SUCCEEDED
    turn = _kept(turn, "").having(
        phase=result,
        ending=None,
        weight=weight,
        finished_revision=status.revision,
        window_started_at=None,
        held_since=None,
        hold_counts_since=None,
        suspect_since=None,
        originals=status.originals if weight or left_out else (),
        history=remembering(status, result, turn.now),
    )
    record = turn.say if result is RolloutPhase.SUCCEEDED else turn.warn
    return record(_EVENTS[result], turn.status.message)
