"""Sets weights right that somebody else has changed, but not as fast as somebody may change them.

Policies of two shards with the same arms, or a sync that looks all the time, would else have the
API server write as much as it can.
"""

from dataclasses import replace

from resilience_operator.api.v1alpha1.rollout_status import RolloutPhase
from resilience_operator.controller.rollouts.state import RolloutState
from resilience_operator.core.rollout.model import Effect, RolloutPlan
from resilience_operator.core.rollout.turn import RESTING

MEND_SECONDS = 1.0
_MENDING = RESTING | {RolloutPhase.HELD, RolloutPhase.PAUSED}


def paced(state: RolloutState, plan: RolloutPlan, now: float) -> RolloutPlan:
    """The plan; later, where it sets weights again that were set again just now."""
    mends = plan.effect is Effect.SET_WEIGHT and plan.status.phase in _MENDING
    if not mends or plan.status.ending is not None:
        return plan
    may = state.mended_at + MEND_SECONDS
    if now < may:
        return replace(plan, effect=Effect.NONE, wake_at=may)
    state.mended_at = now
    return plan
