"""One decision about a rollout: where it stands now, and the one thing to do about it.

The status is all the memory there is. Whatever was planned before, a decision starts from what the
cluster shows: an effect that was carried out is noticed, one that was not is asked for again. So
the operator may die between any two lines, and the next decision goes on where this one would.
"""

from dataclasses import replace

from resilience_operator.api.v1alpha1.rollout import AfterSuccess, Rollout
from resilience_operator.api.v1alpha1.rollout_status import RolloutPhase, RolloutStatus
from resilience_operator.core.rollout import beginning, ending, promotion, stepping, verbs
from resilience_operator.core.rollout.aim import reference_to
from resilience_operator.core.rollout.model import Effect, RolloutPlan, RolloutSnapshot
from resilience_operator.core.rollout.turn import Turn, active, noted


def decide(snapshot: RolloutSnapshot) -> RolloutPlan:
    """What is to be done about the rollout, why, and when to look again if nothing happens."""
    plan = _decide(snapshot)
    touches = undo(plan.status) is not Effect.NONE
    share = snapshot.traffic.real_share
    always = {
        "traffic": reference_to(snapshot.spec) if touches else None,
        "real_weight": None if share is None else round(share),
    }
    return replace(plan, status=plan.status.model_copy(update=always))


def _decide(snapshot: RolloutSnapshot) -> RolloutPlan:
    turn = verbs.obey(noted(Turn(snapshot, snapshot.status)))
    if turn.status.ending is not None:
        return ending.bring_home(turn)
    if not active(turn.status):
        return beginning.rest(turn)
    if snapshot.canary.missing or _without_service(turn):
        return ending.bring_home(ending.lost(turn))
    if snapshot.canary.revision != turn.status.revision:
        turn = beginning.start_over(turn)
    if turn.status.phase is RolloutPhase.PROMOTING:
        return promotion.promote(turn)
    if turn.status.step == 0:
        return beginning.wait(turn)
    return stepping.proceed(turn)


def wanted_weight(spec: Rollout, status: RolloutStatus) -> int | None:
    """The canary's share that the router is to be read against; None: the one before."""
    if status.ending is not None:
        return None
    if not active(status):
        return status.weight if status.weight or status.originals else None
    if status.phase is RolloutPhase.PROMOTING and spec.after_success is AfterSuccess.KEEP:
        return spec.steps[-1].weight
    if status.phase is RolloutPhase.PROMOTING or status.step == 0:
        return None
    return spec.steps[min(status.step, len(spec.steps)) - 1].weight


def undo(status: RolloutStatus) -> Effect:
    """What puts the cluster back as it was, when the rollout is taken away in mid-flight."""
    at_rest = not active(status) and status.ending is None
    untouched = at_rest and status.weight == 0 and not status.originals
    return Effect.NONE if untouched else Effect.RESTORE_WEIGHTS


def _without_service(turn: Turn) -> bool:
    """Whether the canary's traffic answers errors, its Service being gone in mid-rollout."""
    if not turn.seen.traffic.canary_gone or turn.status.step == 0:
        return False
    return turn.status.phase is not RolloutPhase.PROMOTING or not promotion.copied(turn)
