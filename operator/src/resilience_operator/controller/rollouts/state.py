"""What is kept in memory about one rollout: everything else is in its status."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from resilience_operator.actuators.base import Object
from resilience_operator.api.v1alpha1.base import Condition
from resilience_operator.api.v1alpha1.rollout import HttpCheck, Rollout
from resilience_operator.api.v1alpha1.rollout_status import RolloutStatus
from resilience_operator.core.rollout.model import CheckView, MetricView, Refusal

Subject = tuple[str, str | None, tuple[HttpCheck, ...]]
"""What checks are answered for: a version, when its rollout began, and the checks as they are."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the metrics and the checks."""

    at: float
    subject: Subject
    window_started_at: str | None
    metrics: Mapping[str, MetricView]
    checks: tuple[CheckView, ...]


@dataclass(frozen=True, slots=True)
class PodList:
    """The pods of a Deployment, and the version of the Deployment they were listed for."""

    version: str
    at: float
    pods: Sequence[Object]


@dataclass(frozen=True, slots=True)
class Asked:
    """A verb as a person wrote it on the policy, and by which field manager."""

    said: str
    by: str = ""


@dataclass(slots=True)
class RolloutState:
    """The memory of one rollout. A restart loses no more than a look."""

    uid: str
    status: RolloutStatus
    spec: Rollout
    look: Look | None = None
    # The newest look has not been decided upon yet.
    fresh: bool = False
    looking: "asyncio.Task[None] | None" = None
    # Taken off the policy and not obeyed yet: a decision that fails does not lose it.
    verb: Asked | None = None
    # Why the last effect was not carried out, if it was refused.
    refused: Refusal | None = None
    # When weights that somebody else had changed were last set again.
    mended_at: float = 0.0
    # The pods of each Deployment when they were last listed.
    pods: dict[str, PodList] = field(default_factory=dict)
    # What was last written, so that only changes are.
    written: RolloutStatus | None = None
    condition: Condition | None = None
    # Held while something is decided or undone: a weight set by a decision that was under way when
    # the policy went would otherwise outlive it.
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def subject(self) -> Subject:
        """What a look that begins now is at."""
        return self.status.revision, self.status.started_at, self.spec.gate.checks
