"""`spec.rollout`: how the application's next version goes out, on objects that the user owns.

All names of rollout models can be imported from here, whichever file they are written in.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from resilience_operator.api.v1alpha1.base import ItemName, Level, Model
from resilience_operator.api.v1alpha1.endpoints import ServiceUrl
from resilience_operator.api.v1alpha1.rollout_analysis import (
    Analysis,
    Metric,
    MetricName,
    PrometheusServer,
    ProportionQuery,
    Query,
    selects_by,
)
from resilience_operator.api.v1alpha1.rollout_traffic import (
    Arm,
    HttpRouteTraffic,
    IngressNginxTraffic,
    IstioTraffic,
    ReplicasTraffic,
    Traffic,
)
from resilience_operator.api.v1alpha1.rules import Rule, map_list, rules, values_in

__all__ = [
    "AfterMaxHold",
    "AfterSuccess",
    "Analysis",
    "Approval",
    "Arm",
    "Gate",
    "HttpCheck",
    "HttpRouteTraffic",
    "IngressNginxTraffic",
    "IstioTraffic",
    "Metric",
    "MetricName",
    "OnFailure",
    "PrometheusServer",
    "ProportionQuery",
    "Query",
    "ReplicasTraffic",
    "Rollout",
    "Step",
    "Traffic",
]


class Step(Model):
    """A share of the traffic, and how long it is held."""

    weight: Annotated[int, Field(ge=1, le=100)] = Field(
        description="Percent of the traffic that the canary gets."
    )
    hold_seconds: Annotated[int, Field(ge=0, le=604_800)] = Field(
        default=3600, description="Seconds to serve at this weight; time held does not count."
    )


class AfterMaxHold(StrEnum):
    """What becomes of a rollout that was held for too long."""

    ROLLBACK = "Rollback"
    STAY = "Stay"


class Approval(StrEnum):
    """Where a person has to say yes."""

    NEVER = "Never"
    BEFORE_START = "BeforeStart"
    BEFORE_EACH_STEP = "BeforeEachStep"


class HttpCheck(Model):
    """A URL that must answer 200, for what people keep outside Prometheus."""

    name: ItemName = Field(description="Name, unique among the checks.")
    url: ServiceUrl = Field(
        description="http or https URL of a Service in the policy's own namespace; asked again "
        "at every analysis interval. Any answer but 200 holds the rollout."
    )


class Gate(Model):
    """What must hold for a rollout to start and to advance."""

    min_level: Level = Field(
        default=Level.DEGRADED,
        description="Below this level no rollout starts or advances; EMERGENCY: whatever the "
        "level.",
    )
    max_hold_seconds: Annotated[int, Field(ge=60, le=604_800)] = Field(
        default=14_400, description="Longest time a rollout is held before `afterMaxHold`."
    )
    after_max_hold: AfterMaxHold = Field(
        default=AfterMaxHold.ROLLBACK, description="Rollback, or Stay held."
    )
    approval: Approval = Field(
        default=Approval.NEVER,
        description="Where `kubectl resilience rollout resume` is needed to go on.",
    )
    checks: Annotated[tuple[HttpCheck, ...], Field(max_length=8)] = Field(
        default=(), description="URLs that must answer 200.", json_schema_extra=map_list("name")
    )


class OnFailure(StrEnum):
    """What is done about a version that is at fault."""

    ROLLBACK = "Rollback"
    PAUSE = "Pause"


class AfterSuccess(StrEnum):
    """What is done with a version that has passed all steps."""

    PROMOTE = "Promote"
    KEEP = "Keep"


_STEPS = rules(
    Rule(
        "self.map(step, step.weight).isSorted() && "
        "self.all(step, self.exists_one(other, other.weight == step.weight))",
        "steps must rise, each weight over the one before: put them in order and remove the "
        "repetition",
        explain=values_in(
            "steps must rise, each weight over the one before, and are %s: put them in order and "
            "remove the repetition",
            "self.map(step, step.weight)",
        ),
    ),
    Rule(
        "self[self.size() - 1].weight == 100",
        "the last step must have weight 100, or the version would be promoted or kept without "
        "having served everybody: add a step with weight 100",
    ),
)
_BY_DEPLOYMENT = (
    f"(!has(metric.value) || {selects_by('metric.value', 'deployment')}) && "
    f"(!has(metric.proportion) || ({selects_by('metric.proportion.failures', 'deployment')} && "
    f"{selects_by('metric.proportion.total', 'deployment')}))"
)


class Rollout(Model):
    """How the next version goes out. It starts when the canary's pod template changes."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            Rule(
                "self.stable.deployment != self.canary.deployment",
                "canary.deployment must not be stable.deployment: name the Deployment in which the "
                "next version runs beside the present one",
                field=".canary.deployment",
            ),
            Rule(
                "has(self.traffic.replicas) || self.stable.service != self.canary.service",
                "canary.service must not be stable.service, or there is nothing to split traffic "
                "between: name a Service that selects the canary's pods only",
                field=".canary.service",
            ),
            Rule(
                "self.stable.service != self.canary.service || !has(self.analysis.metrics) || "
                f"self.analysis.metrics.all(metric, {_BY_DEPLOYMENT})",
                "metrics must select by {{deployment}} while both arms have the same service, or "
                "both would give the same: use {{deployment}} in every query",
                field=".analysis.metrics",
                explain=values_in(
                    "metrics %s must select by {{deployment}} while both arms have the same "
                    "service, or both would give the same: use {{deployment}} in every query",
                    f"self.analysis.metrics.filter(metric, !({_BY_DEPLOYMENT}))"
                    ".map(metric, metric.name)",
                ),
            ),
        )
    )

    stable: Arm = Field(description="The version that serves.")
    canary: Arm = Field(description="The version on its way.")
    traffic: Traffic = Field(description="Where the weights are set.")
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=20)] = Field(
        default=(
            Step(weight=5, hold_seconds=3600),
            Step(weight=25, hold_seconds=7200),
            Step(weight=100, hold_seconds=21_600),
        ),
        description="Shares of the traffic, rising to 100.",
        json_schema_extra=_STEPS,
    )
    gate: Gate = Field(default=Gate(), description="What must hold to start and to advance.")
    analysis: Analysis = Field(default=Analysis(), description="How the arms are compared.")
    on_failure: OnFailure = Field(
        default=OnFailure.ROLLBACK, description="Rollback, or Pause for a person to decide."
    )
    after_success: AfterSuccess = Field(
        default=AfterSuccess.PROMOTE,
        description="Promote copies the template to stable and brings traffic home; Keep leaves "
        "all traffic on the canary for Git to promote.",
    )
