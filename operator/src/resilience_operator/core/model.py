"""The values that the stages of a decision hand to each other.

Times are seconds since the epoch as given by the injected clock, which never goes back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from resilience_operator.api.v1alpha1.base import Level
from resilience_operator.api.v1alpha1.level import DegradationLevel
from resilience_operator.api.v1alpha1.policy import ResiliencePolicy
from resilience_operator.api.v1alpha1.policy_status import (
    BreakerPhase,
    DependencyState,
    FailureReason,
)

Key = tuple[str, str]
"""(namespace, name) of a resource."""


class Verdict(StrEnum):
    """The three answers of a probe. Unknown is our own failure, or no answer either way."""

    HEALTHY = "Healthy"
    UNHEALTHY = "Unhealthy"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What one probe found. `message` never holds a body, a header or a credential."""

    verdict: Verdict
    at: float
    latency_ms: float = 0.0
    reason: FailureReason | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class ProbeKey:
    """Identity of a probe: two policies with the same key share one probe."""

    namespace: str
    type: str
    digest: str


@dataclass(frozen=True, slots=True)
class Sample:
    """One probe in a window. A failure is never slow."""

    ok: bool
    slow: bool
    latency_ms: float


@dataclass(frozen=True, slots=True)
class Window:
    """The last samples, oldest first, at most `WindowSpec.size` of them."""

    samples: tuple[Sample, ...] = ()


@dataclass(frozen=True, slots=True)
class BreakerState:
    """A circuit breaker between two steps; everything in it survives a restart through status."""

    phase: BreakerPhase = BreakerPhase.CLOSED
    opened_at: float | None = None
    open_seconds: int = 0
    failures: int = 0
    successes: int = 0
    flaps: int = 0
    closed_at: float | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known of one dependency of one policy."""

    window: Window = field(default_factory=Window)
    breaker: BreakerState = field(default_factory=BreakerState)
    last: ProbeResult | None = None
    # The health last known, which stands in while it is Unknown, until it is stale.
    known_health: int | None = None
    known_at: float | None = None
    state: DependencyState = DependencyState.UNKNOWN
    since: float | None = None


@dataclass(frozen=True, slots=True)
class DependencyHealth:
    """A dependency as the score sees it. `health` is None while Unknown or stale."""

    name: str
    weight: int
    state: DependencyState
    health: int | None
    breaker: BreakerPhase
    stale: bool = False
    reason: FailureReason | None = None
    message: str = ""
    # The health is from before a restart and no probe has answered since.
    assumed: bool = False

    @property
    def down(self) -> bool:
        """Whether features that require it must do without."""
        return self.breaker is not BreakerPhase.CLOSED


@dataclass(frozen=True, slots=True)
class HealthScore:
    """Weighted health over the known dependencies, and its bounds if the unknown were 0 or 100."""

    value: int | None
    low: int
    high: int
    known: int
    scored: int
    limiting: str | None


@dataclass(frozen=True, slots=True)
class LevelTransition:
    """One change of level."""

    from_level: Level | None
    to_level: Level
    at: float
    reason: str


@dataclass(frozen=True, slots=True)
class LevelState:
    """Where a level stands between two decisions."""

    level: Level | None = None
    since: float | None = None
    better_since: float | None = None
    # Of each level worse than this one: since when the score has called for it, or for a worse one.
    worse_since: Mapping[Level, float] = field(default_factory=dict)
    transitions: tuple[LevelTransition, ...] = ()
    # A person forced the level and nothing has been computed into force since.
    overridden: bool = False


@dataclass(frozen=True, slots=True)
class LevelDecision:
    """The level in force, the one the probes alone would give, and why."""

    level: Level | None
    computed: Level | None
    reason: str
    message: str
    state: LevelState
    transition: LevelTransition | None = None
    overridden: bool = False
    frozen: bool = False
    stale: bool = False
    wake_at: float | None = None


@dataclass(frozen=True, slots=True)
class Trust:
    """Whether the probes can be believed; when not, every level holds."""

    trusted: bool = True
    reason: str = "ProbesTrusted"
    message: str = "Probe results are believed."


@dataclass(frozen=True, slots=True)
class Problem:
    """Something only the cluster can know that keeps part of a policy from working."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class FlagSet:
    """The flags to write: the ConfigMap's whole data, and what a reader cares about in it."""

    config_map: str
    data: Mapping[str, str]
    level: Level
    health: int | None
    features: Mapping[str, str]
    # Changes with level or a feature; a change of health alone leaves it as it is.
    digest: str


@dataclass(frozen=True, slots=True)
class LevelPlan:
    """What is to become of one DegradationLevel. `create` when the cluster has none."""

    name: str
    create: bool
    score: HealthScore
    decision: LevelDecision
    features: Mapping[str, str]
    # Of the decision in force, see `core.decisions`.
    decision_id: str = ""


@dataclass(frozen=True, slots=True)
class EventPlan:
    """An event to record on the policy (or, with `level`, on that DegradationLevel)."""

    type: str  # Normal | Warning
    reason: str
    message: str
    level: str | None = None
    # The dependency that it is about, or that costs most health.
    dependency: str | None = None
    # A plan that is made again may see a later opening of the breaker that it already told of.
    decision_id: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a decision about one policy looks at."""

    policy: ResiliencePolicy
    now: float
    evidence: Mapping[str, Evidence]
    levels: tuple[DegradationLevel, ...] = ()
    level_states: Mapping[str, LevelState] = field(default_factory=dict)
    trust: Trust = field(default_factory=Trust)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done about one policy. `flags` is None when there is nothing to write yet."""

    key: Key
    dependencies: tuple[DependencyHealth, ...]
    levels: tuple[LevelPlan, ...]
    flags: FlagSet | None
    events: tuple[EventPlan, ...] = ()
    wake_at: float | None = None

    @property
    def decision_id(self) -> str:
        """Of the default level's decision, which the flags follow."""
        return self.levels[0].decision_id if self.levels else ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of carrying out a plan; becomes conditions."""

    flags_applied: bool | None = None  # None: nothing was to be written
    flags_reason: str = "NothingToApply"
    flags_message: str = "No level has been decided yet."
    config_map: str | None = None
    pods_refreshed: int = 0
    pods_total: int = 0
    problems: tuple[Problem, ...] = ()
