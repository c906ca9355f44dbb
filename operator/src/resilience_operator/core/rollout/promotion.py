"""After the last step: stable gets the canary's template, and traffic goes home to it.

Each decision finds out from the cluster how far it has come: the template is copied when both
contents are equal, stable is ready when all its pods are of that template and available, and it is
over when the router reports the old weights.
"""

from resilience_operator.api.v1alpha1.rollout import AfterSuccess
from resilience_operator.api.v1alpha1.rollout_status import Attribution, RolloutPhase
from resilience_operator.core.rollout import ending, gates, pods, suspicion
from resilience_operator.core.rollout.findings import Fault, Hold
from resilience_operator.core.rollout.model import Effect, RolloutPlan
from resilience_operator.core.rollout.turn import (
    POLL_SECONDS,
    Turn,
    hands_off,
    in_force,
    is_restored,
    recorded,
    refused,
    told,
    unrecorded,
    yields,
)


def begin(turn: Turn, message: str) -> RolloutPlan:
    """The steps are over: the first step of the promotion."""
    return promote(started(turn, message))


def started(turn: Turn, message: str) -> Turn:
    """The turn with the steps over; the rest is bringing it home."""
    turn = turn.having(
        phase=RolloutPhase.PROMOTING,
        reason="Promoting",
        message=message,
        attribution=Attribution.NONE,
        held_since=None,
        hold_counts_since=None,
        suspect_since=None,
    )
    return turn.say("RolloutPromoting", message)


def copied(turn: Turn) -> bool:
    """Whether stable is the canary's version already."""
    stable = turn.seen.stable
    return not stable.missing and stable.content == turn.seen.canary.content


def promote(turn: Turn) -> RolloutPlan:
    """One step of the promotion."""
    other = yields(turn)
    if other is not None:
        return _waiting(turn, Hold(other.reason, other.message))
    if turn.seen.spec.after_success is AfterSuccess.KEEP:
        return _keep(turn)
    if not copied(turn):
        return _copy(turn)
    stable = turn.seen.stable
    scaled_away = turn.by_replicas and stable.desired == 0
    if not pods.rolled_out(stable) and not scaled_away:
        return _stable_rolls_out(turn)
    if unrecorded(turn):  # promoted before the first step: the weights are what they were
        return recorded(turn).plan(wake_at=turn.now)
    if not is_restored(turn):
        return _go_home(turn)
    message = f"Version {turn.revision} is the stable one and has all traffic."
    turn = turn.having(reason="Succeeded", message=message)
    return ending.finish(turn, RolloutPhase.SUCCEEDED).plan(wake_at=turn.now)


def _keep(turn: Turn) -> RolloutPlan:
    """All traffic stays on the canary: Git promotes."""
    weight = turn.seen.spec.steps[-1].weight
    if in_force(turn, weight):
        message = f"Version {turn.revision} keeps {weight} % of the traffic, for Git to promote."
        turn = turn.having(reason="Succeeded", message=message, step=len(turn.seen.spec.steps))
        return ending.finish(turn, RolloutPhase.SUCCEEDED, weight).plan(wake_at=turn.now)
    fault = _fault(turn)
    if fault is not None:
        return _stopped(turn, fault)
    hold = gates.obstacle(turn) or gates.readiness(turn)
    if hold is not None:
        return _waiting(turn, hold)
    if unrecorded(turn):
        return recorded(turn).plan(wake_at=turn.now)
    return turn.plan(Effect.SET_WEIGHT, weight, wake_at=turn.now + POLL_SECONDS)


def _copy(turn: Turn) -> RolloutPlan:
    fault = _fault(turn)
    if fault is not None:
        return _stopped(turn, fault)
    if turn.seen.stable.missing:
        message = f"Deployment {turn.seen.stable.name} is not there to take the new version."
        return _waiting(turn, Hold("StableMissing", message))
    hold = gates.readiness(turn)
    if hold is not None:
        return _waiting(turn, hold)
    why = refused(turn, Effect.COPY_TEMPLATE)
    turn = turn if why is None else told(turn, why)
    return turn.plan(Effect.COPY_TEMPLATE, wake_at=turn.now + POLL_SECONDS)


def _stable_rolls_out(turn: Turn) -> RolloutPlan:
    stable = turn.seen.stable
    if stable.failed_to_progress or stable.crashing:
        message = (
            f"Pods of {stable.name} do not become ready with version {turn.revision}; traffic "
            "stays where it is until they do."
        )
        return _waiting(turn, Hold("StableNotProgressing", message))
    if stable.desired == 0:
        message = f"{stable.name} is scaled to zero; traffic goes home when it has pods."
        return _waiting(turn, Hold("StableNotReady", message))
    message = f"{stable.name} rolls out version {turn.revision}; then traffic goes home."
    return _waiting(turn, Hold("StableUpdating", message))


def _go_home(turn: Turn) -> RolloutPlan:
    problem = hands_off(turn)
    if problem is not None:
        return _waiting(turn, Hold(problem.reason, problem.message))
    message = f"{turn.seen.stable.name} is version {turn.revision}; traffic goes home to it."
    turn = turn.having(reason="BringingTrafficHome", message=message)
    return turn.plan(Effect.RESTORE_WEIGHTS, wake_at=turn.now + POLL_SECONDS)


def _fault(turn: Turn) -> Fault | None:
    """Pods that fail before anything was copied still roll back."""
    finding = pods.judge(turn)
    is_proof = isinstance(finding, Fault) and finding.confirm_seconds == 0
    return finding if isinstance(finding, Fault) and is_proof else None


def _stopped(turn: Turn, fault: Fault) -> RolloutPlan:
    turn = suspicion.convict(turn, fault)
    return turn.plan() if turn.status.ending is None else ending.bring_home(turn)


def _waiting(turn: Turn, hold: Hold) -> RolloutPlan:
    news = turn.status.reason != hold.reason
    turn = turn.having(reason=hold.reason, message=hold.message)
    if news:
        turn = turn.say("PromotionWaiting", hold.message)
    return turn.plan(wake_at=turn.now + POLL_SECONDS)
