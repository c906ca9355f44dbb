"""The last rollouts, as the status remembers them."""

from resilience_operator.api.v1alpha1.rollout_status import (
    RolloutPhase,
    RolloutRecord,
    RolloutStatus,
)
from resilience_operator.core.times import to_rfc3339

MAX_HISTORY = 10


def remembering(
    status: RolloutStatus, result: RolloutPhase, now: float, reason: str = ""
) -> tuple[RolloutRecord, ...]:
    """The history with the present rollout in it; the oldest one goes."""
    record = RolloutRecord(
        revision=status.revision,
        result=result,
        attribution=status.attribution,
        reason=reason or status.reason,
        started_at=status.started_at,
        ended_at=to_rfc3339(now),
        step=status.step,
    )
    return (*status.history, record)[-MAX_HISTORY:]
