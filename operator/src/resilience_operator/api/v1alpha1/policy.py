"""`ResiliencePolicy.spec`: what an application depends on and what it may still do without."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from resilience_operator.api.v1alpha1.base import (
    DependencyName,
    FeatureName,
    FeatureState,
    Level,
    Model,
    ObjectName,
    Percent,
)
from resilience_operator.api.v1alpha1.policy_status import PolicyStatus
from resilience_operator.api.v1alpha1.probes import ProbeSpec


class Mode(StrEnum):
    """Whether decisions are carried out or only reported."""

    ENFORCE = "Enforce"
    OBSERVE = "Observe"


class Recovery(StrEnum):
    """How a level comes back: a step at a time, or at once."""

    STEPWISE = "Stepwise"
    DIRECT = "Direct"


class FlagFormat(StrEnum):
    """A shape in which flags are written into the ConfigMap."""

    ENV = "Env"
    JSON = "JSON"
    FLAGD = "Flagd"


class Propagation(StrEnum):
    """How running pods get to see a change of flags."""

    REFRESH = "Refresh"
    KUBELET = "Kubelet"
    RESTART = "Restart"


class OnDelete(StrEnum):
    """What becomes of the flags when the policy is deleted."""

    RESTORE = "Restore"
    KEEP = "Keep"


class LabelSelector(Model):
    """Deployments whose labels have all of these values."""

    match_labels: Annotated[
        dict[str, Annotated[str, Field(max_length=63)]], Field(min_length=1, max_length=16)
    ] = Field(description="Labels that must all match.")


class Target(Model):
    """A Deployment, by name or by labels, whose pods read the flags."""

    name: ObjectName | None = Field(default=None, description="Name of a Deployment.")
    selector: LabelSelector | None = Field(default=None, description="Deployments by label.")


class BreakerSpec(Model):
    """When a dependency counts as down, and how it is let back in."""

    failure_threshold: Annotated[int, Field(ge=1, le=100)] = Field(
        default=3, description="Failures in a row that open the breaker."
    )
    success_threshold: Annotated[int, Field(ge=1, le=100)] = Field(
        default=2, description="Successes in a row that close a half-open breaker."
    )
    open_seconds: Annotated[int, Field(ge=1, le=3600)] = Field(
        default=30, description="Seconds from opening to the first trial."
    )
    max_open_seconds: Annotated[int, Field(ge=1, le=86_400)] = Field(
        default=300,
        description="Longest such time; it doubles each time the dependency flaps.",
    )


class WindowSpec(Model):
    """The sliding window over the last probes, and the rates that open the breaker."""

    size: Annotated[int, Field(ge=1, le=100)] = Field(
        default=10, description="Number of probes looked at."
    )
    minimum: Annotated[int, Field(ge=1, le=100)] = Field(
        default=3, description="Fewer probes than this say nothing: the state is Unknown."
    )
    failure_rate_percent: Annotated[int, Field(ge=1, le=100)] = Field(
        default=50, description="Share of failures that opens the breaker."
    )
    slow_milliseconds: Annotated[int, Field(ge=1, le=300_000)] = Field(
        default=2000, description="A success that takes at least so long is slow."
    )
    slow_rate_percent: Annotated[int, Field(ge=1, le=100)] = Field(
        default=80, description="Share of slow successes that makes the dependency Slow."
    )


class Dependency(Model):
    """Something the application leans on and does not own."""

    name: DependencyName = Field(description="Name, unique in the policy.")
    weight: Percent = Field(
        description="Share in the health score; 0: watched, not scored. Need not add up to 100."
    )
    level_when_down: Level | None = Field(
        default=None, description="No better level than this while the dependency is down."
    )
    probe: ProbeSpec = Field(description="How and when it is probed.")
    breaker: BreakerSpec = Field(default=BreakerSpec(), description="Circuit breaker.")
    window: WindowSpec = Field(default=WindowSpec(), description="Sliding window.")
    stale_after_seconds: Annotated[int, Field(ge=1, le=86_400)] = Field(
        default=60,
        description="An Unknown dependency counts with its last health for so long.",
    )


class Levels(Model):
    """The least health of each level; below `minimal` it is EMERGENCY."""

    optimal: Percent = Field(default=90, description="Least health of OPTIMAL.")
    degraded: Percent = Field(default=70, description="Least health of DEGRADED.")
    limited: Percent = Field(default=50, description="Least health of LIMITED.")
    minimal: Percent = Field(default=20, description="Least health of MINIMAL.")


class Stabilization(Model):
    """How fast levels move: down at once, up with care."""

    degrade_after_seconds: Annotated[int, Field(ge=0, le=3600)] = Field(
        default=0, description="Seconds a worse level must last before it takes force."
    )
    recover_after_seconds: Annotated[int, Field(ge=0, le=3600)] = Field(
        default=30, description="Seconds a better level must last for a step up."
    )
    max_recover_after_seconds: Annotated[int, Field(ge=0, le=86_400)] = Field(
        default=900, description="Longest such time; it doubles while the level flaps."
    )
    recover_margin: Annotated[int, Field(ge=0, le=50)] = Field(
        default=5,
        description="Health above a level's least that a step up to it needs (at most 100).",
    )
    recovery: Recovery = Field(
        default=Recovery.STEPWISE, description="One level at a time, or at once."
    )


class Feature(Model):
    """A feature of the application and its state at each level."""

    name: FeatureName = Field(description="Name of the flag, in snake case.")
    states: Annotated[dict[Level, FeatureState], Field(min_length=1, max_length=5)] = Field(
        description="State at each level; a level not named takes the next better one's. "
        "OPTIMAL must be named."
    )
    requires: Annotated[tuple[DependencyName, ...], Field(max_length=16)] = Field(
        default=(), description="Dependencies the feature cannot work without."
    )
    when_unavailable: FeatureState | None = Field(
        default=None,
        description="State while one of `requires` is down; default: the EMERGENCY state.",
    )


class Flags(Model):
    """The ConfigMap through which pods learn their flags."""

    config_map_name: ObjectName | None = Field(
        default=None, description="Name of the ConfigMap; default: <policy>-flags."
    )
    formats: Annotated[tuple[FlagFormat, ...], Field(min_length=1, max_length=3)] = Field(
        default=(FlagFormat.ENV, FlagFormat.JSON, FlagFormat.FLAGD),
        description="Env: a key per feature. JSON: flags.json. Flagd: flagd.json (OpenFeature).",
    )
    propagation: Propagation = Field(
        default=Propagation.REFRESH,
        description="Refresh: pods see it in a second. Kubelet: in a minute. "
        "Restart: rolls the Deployment, for pods that read only their environment.",
    )
    on_delete: OnDelete = Field(
        default=OnDelete.RESTORE,
        description="Restore writes the flags of OPTIMAL before the policy goes; Keep leaves them.",
    )


class PolicySpec(Model):
    """What an application depends on, and what it may still do when those things fail."""

    mode: Mode = Field(
        default=Mode.ENFORCE,
        description="Enforce, or Observe: decide and report, change nothing.",
    )
    targets: Annotated[tuple[Target, ...], Field(max_length=16)] = Field(
        default=(), description="Deployments whose pods read the flags."
    )
    dependencies: Annotated[tuple[Dependency, ...], Field(min_length=1, max_length=64)] = Field(
        description="What the application depends on."
    )
    levels: Levels = Field(default=Levels(), description="Bands of the health score.")
    stabilization: Stabilization = Field(
        default=Stabilization(), description="How fast levels move."
    )
    features: Annotated[tuple[Feature, ...], Field(max_length=200)] = Field(
        default=(), description="Features of the application."
    )
    flags: Flags = Field(default=Flags(), description="Where flags are written.")


class ResiliencePolicy(Model):
    """A policy as the operator holds it: identity, spec and the status last read."""

    namespace: str
    name: str
    uid: str
    generation: int
    deleting: bool = False
    spec: PolicySpec
    status: PolicyStatus = PolicyStatus()
