"""`ResiliencePolicy.status`: bounded, written on change, enough to resume after a restart."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from resilience_operator.api.v1alpha1.base import (
    Condition,
    DependencyName,
    Level,
    Model,
    Percent,
    Timestamp,
)
from resilience_operator.api.v1alpha1.rollout_status import RolloutStatus
from resilience_operator.api.v1alpha1.rules import map_list


class DependencyState(StrEnum):
    """How a dependency does, in one word."""

    HEALTHY = "Healthy"
    SLOW = "Slow"
    FAILING = "Failing"
    DOWN = "Down"
    UNKNOWN = "Unknown"


class BreakerPhase(StrEnum):
    """The three states of a circuit breaker."""

    CLOSED = "Closed"
    OPEN = "Open"
    HALF_OPEN = "HalfOpen"


class FailureReason(StrEnum):
    """Why a probe failed or could not tell: a closed set, also a metric label."""

    # The dependency's failures.
    REFUSED = "Refused"
    TIMEOUT = "Timeout"
    DNS = "DNS"
    TLS = "TLS"
    AUTH = "Auth"
    RATE_LIMITED = "RateLimited"
    BAD_STATUS = "BadStatus"
    BAD_BODY = "BadBody"
    PROTOCOL = "Protocol"
    RESET = "Reset"
    READ_ONLY = "ReadOnly"
    LAG = "Lag"
    MEMORY = "Memory"
    ROLE = "Role"
    NOT_FOUND = "NotFound"
    QUERY = "Query"
    # Our own: these make a result Unknown and never open a breaker.
    SECRET_MISSING = "SecretMissing"
    SECRET_INVALID = "SecretInvalid"
    ADDRESS_REFUSED = "AddressRefused"
    INTERNAL = "Internal"
    LOCAL_NETWORK = "LocalNetwork"
    CONFIG_INVALID = "ConfigInvalid"
    OVERLOADED = "Overloaded"


OUR_FAILURES = frozenset(
    {
        FailureReason.SECRET_MISSING,
        FailureReason.SECRET_INVALID,
        FailureReason.ADDRESS_REFUSED,
        FailureReason.INTERNAL,
        FailureReason.LOCAL_NETWORK,
        FailureReason.CONFIG_INVALID,
        FailureReason.OVERLOADED,
    }
)


class BreakerStatus(Model):
    """A breaker, with what a restart needs to go on from it."""

    state: BreakerPhase = Field(
        default=BreakerPhase.CLOSED, description="Closed, Open or HalfOpen."
    )
    opened_at: Timestamp | None = Field(default=None, description="When it last opened.")
    open_seconds: Annotated[int, Field(ge=0)] = Field(
        default=0, description="Seconds from openedAt to the trial."
    )
    failures: Annotated[int, Field(ge=0)] = Field(default=0, description="Failures in a row.")
    successes: Annotated[int, Field(ge=0)] = Field(
        default=0, description="Successes in a row while half-open."
    )
    flaps: Annotated[int, Field(ge=0)] = Field(
        default=0, description="Times it opened again soon after recovering."
    )
    closed_at: Timestamp | None = Field(default=None, description="When it last closed again.")


class DependencyStatus(Model):
    """What is known of one dependency."""

    name: DependencyName = Field(description="Name in spec.dependencies.")
    state: DependencyState = Field(description="Healthy, Slow, Failing, Down or Unknown.")
    health: Percent | None = Field(default=None, description="0 to 100; absent while Unknown.")
    breaker: BreakerStatus = Field(default=BreakerStatus(), description="Its circuit breaker.")
    failure_reason: FailureReason | None = Field(
        default=None, description="Why the last probe failed or could not tell."
    )
    message: Annotated[str, Field(max_length=256)] = Field(
        default="", description="A sentence for people."
    )
    latency_p50_milliseconds: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="Median of the window when this was written."
    )
    latency_p95_milliseconds: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="95th percentile of the window when this was written."
    )
    since: Timestamp | None = Field(default=None, description="When `state` last changed.")


class PolicyStatus(Model):
    """Where the policy stands."""

    observed_generation: Annotated[int, Field(ge=0)] = Field(
        default=0, description="The generation of the spec that this speaks of."
    )
    level: Level | None = Field(default=None, description="The level in force.")
    health: Percent | None = Field(
        default=None, description="Weighted health, 0 to 100; absent while nothing is known."
    )
    limiting_dependency: Annotated[str, Field(max_length=63)] | None = Field(
        default=None, description="The dependency that costs most health."
    )
    scored: Annotated[str, Field(max_length=16)] = Field(
        default="", description="Dependencies known of those scored, as 3/4."
    )
    open: Annotated[str, Field(max_length=256)] = Field(
        default="", description="Dependencies whose breaker is open."
    )
    dependencies: Annotated[tuple[DependencyStatus, ...], Field(max_length=64)] = Field(
        default=(),
        description="What is known of each dependency.",
        json_schema_extra=map_list("name"),
    )
    config_map_name: Annotated[str, Field(max_length=253)] | None = Field(
        default=None, description="The ConfigMap written, so that a rename or delete can undo it."
    )
    rollout: RolloutStatus | None = Field(
        default=None, description="Where the rollout stands; absent without spec.rollout."
    )
    conditions: Annotated[tuple[Condition, ...], Field(max_length=8)] = Field(
        default=(),
        description="Ready, DependenciesHealthy, FlagsApplied, ProbesTrusted, RolloutProgressing.",
        json_schema_extra=map_list("type"),
    )
