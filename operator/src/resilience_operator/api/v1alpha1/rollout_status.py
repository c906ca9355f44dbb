"""`status.rollout`: where a rollout stands, and all that a restarted operator needs of it."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from resilience_operator.api.v1alpha1.base import Model, Timestamp

Short = Annotated[str, Field(max_length=63)]
Name = Annotated[str, Field(max_length=253)]
Sentence = Annotated[str, Field(max_length=1024)]


class RolloutPhase(StrEnum):
    """What a rollout is doing."""

    IDLE = "Idle"
    WAITING = "Waiting"
    PROGRESSING = "Progressing"
    HELD = "Held"
    PAUSED = "Paused"
    PROMOTING = "Promoting"
    SUCCEEDED = "Succeeded"
    ROLLED_BACK = "RolledBack"
    FAILED = "Failed"


class Attribution(StrEnum):
    """Whose fault it is."""

    NONE = "None"
    VERSION_FAULT = "VersionFault"
    DEPENDENCY_FAULT = "DependencyFault"
    LOST_FALLBACK = "LostFallback"
    SHARED_FAULT = "SharedFault"
    BLIND = "Blind"


class MetricVerdict(StrEnum):
    """What one metric says of the canary."""

    PASSING = "Passing"
    WORSE = "Worse"
    BOTH_BAD = "BothBad"
    TOO_FEW_SAMPLES = "TooFewSamples"
    MISSING = "Missing"


class MetricStatus(Model):
    """The last look at one metric."""

    name: Short = Field(description="Name in spec.rollout.analysis.metrics.")
    verdict: MetricVerdict = Field(description="What it says of the canary.")
    stable: Short = Field(default="", description="Stable's figure, as text.")
    canary: Short = Field(default="", description="The canary's figure, as text.")
    evidence: Annotated[str, Field(max_length=256)] = Field(
        default="", description="Which test, and how strong its evidence is so far."
    )
    normal: float | None = Field(
        default=None,
        description="The most that stable's figure is on a normal day, from its first look.",
    )


class OriginalWeight(Model):
    """A weight as it was before the rollout, to be put back."""

    path: Annotated[str, Field(max_length=128)] = Field(description="Which weight it is.")
    weight: Annotated[int, Field(ge=0, le=1_000_000)] = Field(description="What it was.")


class TrafficKind(StrEnum):
    """The kinds of router, as `spec.rollout.traffic` names them."""

    HTTP_ROUTE = "httpRoute"
    INGRESS_NGINX = "ingressNginx"
    ISTIO = "istio"
    REPLICAS = "replicas"


class ArmReference(Model):
    """An arm whose traffic may not be what it was."""

    deployment: Name = Field(description="Name of its Deployment.")
    service: Name = Field(description="Name of its Service.")


class TrafficReference(Model):
    """Whose weights may not be what they were: enough to put them back without the spec."""

    kind: TrafficKind = Field(description="The kind of router.")
    name: Name = Field(default="", description="Name of the route; none where it is replicas.")
    stable: ArmReference = Field(description="The version that serves.")
    canary: ArmReference = Field(description="The version on its way.")


class RolloutRecord(Model):
    """One rollout that has ended."""

    revision: Short = Field(description="Revision of the canary's template.")
    result: RolloutPhase = Field(description="Succeeded, RolledBack or Failed.")
    attribution: Attribution = Field(default=Attribution.NONE, description="Whose fault it was.")
    reason: Short = Field(default="", description="Why, in one word.")
    started_at: Timestamp | None = Field(default=None, description="When it began.")
    ended_at: Timestamp | None = Field(default=None, description="When it ended.")
    step: Annotated[int, Field(ge=0)] = Field(default=0, description="The step it reached, from 1.")


class RolloutStatus(Model):
    """Where the rollout stands."""

    phase: RolloutPhase = Field(default=RolloutPhase.IDLE, description="What it is doing.")
    step: Annotated[int, Field(ge=0, le=20)] = Field(
        default=0, description="The step it is at, from 1; 0: before the first."
    )
    weight: Annotated[int, Field(ge=0, le=100)] = Field(
        default=0, description="Percent of the traffic that the canary gets."
    )
    real_weight: Annotated[int, Field(ge=0, le=100)] | None = Field(
        default=None,
        description="Percent of the ready pods that are the canary's, where traffic is `replicas`: "
        "whole pods only come near to `weight`, and pods that are not ready get none.",
    )
    revision: Short = Field(default="", description="Revision of the canary's template.")
    finished_revision: Short = Field(
        default="", description="The last revision whose rollout has ended."
    )
    started_at: Timestamp | None = Field(default=None, description="When this rollout began.")
    weight_asked_at: Timestamp | None = Field(
        default=None, description="Since when the weight of this step is asked for."
    )
    step_started_at: Timestamp | None = Field(
        default=None, description="When the weight of this step was in force."
    )
    window_started_at: Timestamp | None = Field(
        default=None, description="Since when the analysis counts."
    )
    windows: Annotated[int, Field(ge=0)] = Field(
        default=0, description="How often the analysis began to count, in this rollout."
    )
    held_seconds: Annotated[int, Field(ge=0)] = Field(
        default=0, description="Seconds of this step that do not count as served."
    )
    held_since: Timestamp | None = Field(
        default=None, description="When the present hold or pause began."
    )
    hold_counts_since: Timestamp | None = Field(
        default=None, description="Since when the present hold counts towards maxHoldSeconds."
    )
    suspect_since: Timestamp | None = Field(
        default=None, description="Since when the canary is suspected of what is not proven yet."
    )
    stable_restarts: Annotated[int, Field(ge=0)] = Field(
        default=0, description="Restarts of stable's containers that are accounted for."
    )
    canary_restarts: Annotated[int, Field(ge=0)] = Field(
        default=0, description="Restarts of the canary's containers that are accounted for."
    )
    shared_crash: bool = Field(
        default=False,
        description="Pods of both arms have failed together; the canary's are not all back yet.",
    )
    ending: RolloutPhase | None = Field(
        default=None, description="How it ends once all traffic is home."
    )
    approved_step: Annotated[int, Field(ge=0, le=20)] = Field(
        default=0, description="The highest step that a person has approved."
    )
    attribution: Attribution = Field(default=Attribution.NONE, description="Whose fault it is.")
    reason: Short = Field(default="", description="Why it does what it does, in one word.")
    message: Sentence = Field(default="", description="The same in a sentence.")
    metrics: Annotated[tuple[MetricStatus, ...], Field(max_length=16)] = Field(
        default=(), description="The last look at every metric."
    )
    originals: Annotated[tuple[OriginalWeight, ...], Field(max_length=64)] = Field(
        default=(), description="Weights as they were before the rollout."
    )
    traffic: TrafficReference | None = Field(
        default=None, description="Where weights are to be put back; none when they are."
    )
    history: Annotated[tuple[RolloutRecord, ...], Field(max_length=10)] = Field(
        default=(), description="The last ten rollouts, newest last."
    )

    @property
    def share(self) -> int:
        """Percent of the traffic that the canary really gets."""
        return self.weight if self.real_weight is None else self.real_weight
