"""`spec.dependencies`: what an application leans on, and when it counts as down."""

from typing import Annotated

from pydantic import ConfigDict, Field

from resilience_operator.api.v1alpha1.base import DependencyName, Level, Model, Percent
from resilience_operator.api.v1alpha1.probes import ProbeSpec
from resilience_operator.api.v1alpha1.rules import Rule, at_most, rules, values_in


class BreakerSpec(Model):
    """When a dependency counts as down, and how it is let back in."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            at_most("openSeconds", "maxOpenSeconds", "raise maxOpenSeconds or lower openSeconds")
        )
    )

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

    model_config = ConfigDict(
        json_schema_extra=rules(at_most("minimum", "size", "enlarge size or lower minimum"))
    )

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

    model_config = ConfigDict(
        json_schema_extra=rules(
            Rule(
                "!has(self.levelWhenDown) || self.levelWhenDown != 'OPTIMAL'",
                "levelWhenDown OPTIMAL would cap nothing: name a worse level or leave it out",
                field=".levelWhenDown",
            ),
            Rule(
                "self.staleAfterSeconds >= self.probe.intervalSeconds",
                "staleAfterSeconds must be at least probe.intervalSeconds: raise it or probe "
                "more often",
                field=".staleAfterSeconds",
                explain=values_in(
                    "staleAfterSeconds (%d) must be at least probe.intervalSeconds (%d), or every "
                    "result is stale before the next: raise it or probe more often",
                    "self.staleAfterSeconds",
                    "self.probe.intervalSeconds",
                ),
            ),
        )
    )

    name: DependencyName = Field(description="Name of the dependency, unique in the policy.")
    weight: Percent = Field(
        description="Share in the health score; 0: watched, not scored. Need not add up to 100."
    )
    level_when_down: Level | None = Field(
        default=None, description="No better level than this while the dependency is down."
    )
    probe: ProbeSpec = Field(description="How and how often it is asked whether it works.")
    breaker: BreakerSpec = Field(
        default=BreakerSpec(), description="The circuit breaker of this dependency."
    )
    window: WindowSpec = Field(default=WindowSpec(), description="How past probes are counted.")
    stale_after_seconds: Annotated[int, Field(ge=1, le=86_400)] = Field(
        default=60,
        description="An Unknown dependency counts with its last health for so long.",
    )
