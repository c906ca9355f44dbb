"""What a rollout decision looks at and what comes of it: the values between decision and I/O.

The views are what the gatherer has seen in the cluster and in Prometheus; the plan is what the
controller is to do. Times are seconds since the epoch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from resilience_operator.api.v1alpha1.base import Level
from resilience_operator.api.v1alpha1.rollout import Rollout
from resilience_operator.api.v1alpha1.rollout_status import OriginalWeight, RolloutStatus
from resilience_operator.core.model import DependencyHealth, Problem, Trust


class Verb(StrEnum):
    """What a person may ask of a rollout."""

    PROMOTE = "promote"
    PAUSE = "pause"
    RESUME = "resume"
    ABORT = "abort"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class DeploymentView:
    """A Deployment and its pods as last seen; `missing` when it is not there."""

    name: str
    missing: bool = False
    # A stable hash of the pod template, without what the operator itself writes there.
    revision: str = ""
    # A hash of the template that leaves out labels and annotations: equal for equal versions.
    content: str = ""
    desired: int = 0
    ready: int = 0
    updated: int = 0
    available: int = 0
    observed: bool = True  # the Deployment controller has seen this generation
    restarts: int = 0  # of containers of pods of the present revision
    crashing: tuple[str, ...] = ()  # pods in CrashLoopBackOff, ImagePullBackOff and the like, why
    failed_to_progress: bool = False  # condition Progressing=False, ProgressDeadlineExceeded


@dataclass(frozen=True, slots=True)
class TrafficView:
    """The router as last seen. `weight` is the canary's share in percent, None when unknown.

    With a problem come the weights as well, where they can be read: what can still go home does.
    """

    weight: int | None = None
    accepted: bool = True  # the router's parent reports the present generation as in force
    originals: tuple[OriginalWeight, ...] = ()  # weights now, in the form that restores them
    # The weights to return to as the router itself has them noted; empty without a note of ours.
    recorded: tuple[OriginalWeight, ...] = ()
    drifted: bool = False  # somebody else has changed a weight that we had set
    problem: Problem | None = None  # missing route, foreign manager, conflict …
    canary_gone: bool = False  # the canary's Service is not there: its share answers errors
    # Percent of the ready pods that are the canary's, where the share is one of replicas.
    real_share: float | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """A proportion's two numbers since the window began."""

    failures: float
    total: float


@dataclass(frozen=True, slots=True)
class MetricView:
    """One metric of both arms. None where the query gave no (single, finite) result."""

    name: str
    stable: Counts | None = None
    canary: Counts | None = None
    # Of a value metric: one value per look since the window began, oldest first, pairwise.
    stable_values: tuple[float, ...] = ()
    canary_values: tuple[float, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class CheckView:
    """An HTTP check: passed, failed, or not answered yet (None)."""

    name: str
    passed: bool | None
    message: str = ""


class Effect(StrEnum):
    """What the controller is to do besides writing status and events."""

    NONE = "None"
    SET_WEIGHT = "SetWeight"  # have the canary get `RolloutPlan.weight` percent
    RESTORE_WEIGHTS = "RestoreWeights"  # put the original weights back: all traffic home
    COPY_TEMPLATE = "CopyTemplate"  # stable gets the canary's pod template


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the last effect was not carried out, where trying again does not help by itself."""

    effect: Effect
    problem: Problem


@dataclass(frozen=True, slots=True)
class RolloutSnapshot:
    """Everything that a decision about one rollout looks at."""

    spec: Rollout
    status: RolloutStatus
    now: float
    stable: DeploymentView
    canary: DeploymentView
    traffic: TrafficView
    level: Level | None
    # When the level last changed: a change voids the analysis window.
    level_since: float | None
    dependencies: tuple[DependencyHealth, ...] = ()
    trust: Trust = field(default_factory=Trust)
    # None: there was no look at the metrics (nothing to look at, or not due yet).
    metrics: Mapping[str, MetricView] | None = None
    metrics_at: float | None = None
    # `windowStartedAt` when they were asked for: a look at another window does not count.
    metrics_window: str | None = None
    checks: tuple[CheckView, ...] = ()
    verb: Verb | None = None
    refused: Refusal | None = None


@dataclass(frozen=True, slots=True)
class RolloutEvent:
    """An event to record on the policy."""

    type: str  # Normal | Warning
    reason: str
    message: str
    # See `core.decisions`.
    decision_id: str = ""


@dataclass(frozen=True, slots=True)
class RolloutPlan:
    """What is to be done about one rollout, and when to look again if nothing happens."""

    status: RolloutStatus
    effect: Effect = Effect.NONE
    weight: int = 0
    events: tuple[RolloutEvent, ...] = ()
    wake_at: float | None = None
    # Whether metrics are wanted at the next look, and since when they are to count.
    wants_metrics: bool = False
