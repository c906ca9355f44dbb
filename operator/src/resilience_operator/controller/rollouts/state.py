"""What is kept in memory about one rollout: everything else is in its status."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from resilience_operator.api.v1alpha1.base import Condition
from resilience_operator.api.v1alpha1.rollout import Rollout
from resilience_operator.api.v1alpha1.rollout_status import RolloutStatus
from resilience_operator.core.rollout.model import CheckView, MetricView


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the metrics and the checks."""

    at: float
    window_started_at: str | None
    metrics: Mapping[str, MetricView]
    checks: tuple[CheckView, ...]


@dataclass(slots=True)
class RolloutState:
    """The memory of one rollout. A restart loses no more than a look."""

    status: RolloutStatus
    # What was last driven: kept so that a spec that is taken away can still be undone.
    spec: Rollout
    look: Look | None = None
    # The newest look has not been decided upon yet.
    fresh: bool = False
    looking: "asyncio.Task[None] | None" = None
    # The annotation was seen and has been acted upon; it counts again once it has been gone.
    verb_done: bool = False
    # What was last written, so that only changes are.
    written: RolloutStatus | None = None
    condition: Condition | None = None
