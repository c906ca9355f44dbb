"""`DegradationLevel`: where an application stands, and the lever a person has on it."""

from typing import Annotated

from pydantic import ConfigDict, Field

from resilience_operator.api.v1alpha1.base import (
    Condition,
    DependencyName,
    FeatureName,
    FeatureState,
    Held,
    Level,
    LocalRef,
    Model,
    Percent,
    Timestamp,
)
from resilience_operator.api.v1alpha1.rules import SET_LIST, Rule, map_list, rules


class LevelDependency(Model):
    """A dependency of the policy that this level is scored on, with a weight of its own."""

    name: DependencyName = Field(description="Name of a dependency in the policy.")
    weight: Percent = Field(description="Share in this level's health.")


class Override(Model):
    """A level set by a person, until it expires to the computed one."""

    level: Level = Field(description="The level to hold.")
    reason: Annotated[str, Field(min_length=1, max_length=256)] = Field(
        description="Why the level is forced, for those who see it later."
    )
    requested_by: Annotated[str, Field(min_length=1, max_length=128)] = Field(
        description="Who asked for it."
    )
    expires_at: Timestamp = Field(description="When it ends by itself; required.")


class Freeze(Model):
    """Keeps the present level whatever the probes say, until it expires."""

    reason: Annotated[str, Field(min_length=1, max_length=256)] = Field(
        description="Why the level is frozen, for those who see it later."
    )
    expires_at: Timestamp = Field(description="When it ends by itself; required.")


class LevelSpec(Model):
    """Which policy, which part of it, and what a person has decided."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            Rule(
                "!has(self.dependencies) || self.dependencies.size() == 0 || "
                "self.dependencies.exists(dependency, dependency.weight > 0)",
                "dependencies: the weights must add up to more than 0: give at least one a weight, "
                "or leave the list out to use the policy's",
                field=".dependencies",
            )
        )
    )

    policy_ref: LocalRef = Field(
        description="The ResiliencePolicy, in the same namespace. It cannot be changed.",
        json_schema_extra=rules(
            Rule(
                "self == oldSelf",
                "policyRef cannot be changed: delete this DegradationLevel and make another",
            )
        ),
    )
    dependencies: Annotated[tuple[LevelDependency, ...], Field(max_length=64)] = Field(
        default=(),
        description="What it is scored on; default: all, with the policy's weights.",
        json_schema_extra=map_list("name"),
    )
    features: Annotated[tuple[FeatureName, ...], Field(max_length=200)] = Field(
        default=(),
        description="Features it governs; default: those no other level claims.",
        json_schema_extra=SET_LIST,
    )
    override: Override | None = Field(default=None, description="Forces a level by hand.")
    freeze: Freeze | None = Field(default=None, description="Holds the level by hand.")


class Transition(Model):
    """One change of level."""

    from_: Level | None = Field(default=None, alias="from", description="The level before.")
    to: Level = Field(description="The level after.")
    at: Timestamp = Field(description="When it took force.")
    reason: Annotated[str, Field(max_length=63)] = Field(description="Why, in one word.")


class RecoveryForecast(Model):
    """When the present outage may end, from past ones; absent without an honest basis."""

    expected_at: Timestamp | None = Field(
        default=None, description="When it ends if it lasts as long as the median."
    )
    p50_seconds: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="Median length of past outages."
    )
    p90_seconds: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="90th percentile of their lengths."
    )
    samples: Annotated[int, Field(ge=0)] = Field(default=0, description="Past outages used.")
    method: Annotated[str, Field(max_length=63)] = Field(
        default="", description="How it was estimated."
    )


class LevelStatus(Model):
    """Where the application stands."""

    observed_generation: Annotated[int, Field(ge=0)] = Field(
        default=0, description="The generation of the spec that this speaks of."
    )
    level: Level | None = Field(default=None, description="The level in force.")
    computed_level: Level | None = Field(
        default=None, description="The level that the probes alone would give."
    )
    health: Percent | None = Field(default=None, description="Weighted health, 0 to 100.")
    since: Timestamp | None = Field(default=None, description="When `level` last changed.")
    limiting_dependency: Annotated[str, Field(max_length=63)] | None = Field(
        default=None, description="The dependency that costs most health."
    )
    reason: Annotated[str, Field(max_length=63)] = Field(
        default="", description="Why the level is what it is, in one word."
    )
    message: Annotated[str, Field(max_length=1024)] = Field(
        default="", description="The same in a sentence."
    )
    features: Annotated[dict[str, FeatureState], Field(max_length=200)] = Field(
        default={}, description="State of every feature it governs."
    )
    recovery: RecoveryForecast | None = Field(
        default=None, description="When the outage may end; absent without an honest basis."
    )
    transitions: Annotated[tuple[Transition, ...], Field(max_length=20)] = Field(
        default=(), description="The last 20 changes, newest last."
    )
    conditions: Annotated[tuple[Condition, ...], Field(max_length=8)] = Field(
        default=(),
        description="Ready, Overridden, Frozen, Stale.",
        json_schema_extra=map_list("type"),
    )


class DegradationLevel(Held):
    """A level as the operator holds it: identity, spec and the status last read."""

    owned: bool = False
    spec: LevelSpec
    status: LevelStatus = LevelStatus()
