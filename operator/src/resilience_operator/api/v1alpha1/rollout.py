"""`spec.rollout`: how the application's next version goes out, on objects that the user owns."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from resilience_operator.api.v1alpha1.base import Level, Model, ObjectName, Percent
from resilience_operator.api.v1alpha1.endpoints import Url

MetricName = Annotated[
    str, Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
]
Query = Annotated[str, Field(min_length=1, max_length=4096)]


class Arm(Model):
    """One side of a rollout: a Deployment and the Service in front of its pods."""

    deployment: ObjectName = Field(description="Name of the Deployment.")
    service: ObjectName = Field(description="Name of the Service that selects its pods only.")


class HttpRouteTraffic(Model):
    """Weights of an HTTPRoute (Gateway API)."""

    name: ObjectName = Field(description="Name of the HTTPRoute.")
    rules: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=253)], ...], Field(max_length=16)
    ] = Field(default=(), description="Names of rules; default: every rule with both Services.")


class IngressNginxTraffic(Model):
    """A canary Ingress beside the stable one, for ingress-nginx."""

    ingress: ObjectName = Field(description="Name of the stable Ingress.")


class IstioTraffic(Model):
    """Weights of an Istio VirtualService."""

    virtual_service: ObjectName = Field(description="Name of the VirtualService.")
    routes: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=253)], ...], Field(max_length=16)
    ] = Field(
        default=(), description="Names of http routes; default: every one with both Services."
    )


class ReplicasTraffic(Model):
    """No router: the share is approximated by the number of replicas."""

    total: Annotated[int, Field(ge=2, le=1000)] = Field(
        description="Replicas of both Deployments together."
    )


class Traffic(Model):
    """Where weights are set: exactly one kind."""

    http_route: HttpRouteTraffic | None = Field(default=None, description="Gateway API.")
    ingress_nginx: IngressNginxTraffic | None = Field(default=None, description="ingress-nginx.")
    istio: IstioTraffic | None = Field(default=None, description="Istio.")
    replicas: ReplicasTraffic | None = Field(default=None, description="Replica counts.")


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

    name: MetricName = Field(description="Name, unique among the checks.")
    url: Url = Field(
        description="http or https URL of a Service in the policy's own namespace; asked again "
        "at every analysis interval. Any answer but 200 holds the rollout."
    )


class Gate(Model):
    """What must hold for a rollout to start and to advance."""

    min_level: Level = Field(
        default=Level.DEGRADED, description="Below this level no rollout starts or advances."
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
        default=(), description="URLs that must answer 200."
    )


class PrometheusServer(Model):
    """Where the queries are asked."""

    url: Url = Field(description="Base URL of the Prometheus HTTP API.")


class ProportionQuery(Model):
    """Two counts: failures, and all requests.

    {{service}}, {{deployment}} and {{namespace}} become those of the arm, {{window}} the time that
    the analysis looks back, as a PromQL duration.
    """

    failures: Query = Field(description="PromQL for the number of failures in {{window}}.")
    total: Query = Field(description="PromQL for the number of requests in {{window}}.")


class Metric(Model):
    """A figure of both arms: a proportion of counts, or a value."""

    name: MetricName = Field(description="Name, unique among the metrics.")
    proportion: ProportionQuery | None = Field(
        default=None, description="Failures among requests, per arm."
    )
    value: Query | None = Field(
        default=None, description="PromQL for one value per arm, a latency for example."
    )
    max_percent: Percent | None = Field(
        default=None, description="Ceiling of the canary's proportion, when significant."
    )
    max_increase_percent: Percent | None = Field(
        default=None,
        description="Canary over stable: percentage points for a proportion, percent of the "
        "stable value for a value; when significant.",
    )
    max: Annotated[float, Field(ge=0)] | None = Field(
        default=None, description="Ceiling of the canary's value."
    )


class Analysis(Model):
    """How both arms are compared while the canary has traffic."""

    prometheus: PrometheusServer | None = Field(
        default=None, description="Needed as soon as there are metrics."
    )
    interval_seconds: Annotated[int, Field(ge=1, le=3600)] = Field(
        default=15, description="Seconds from one look to the next."
    )
    min_samples: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=500, description="Fewer requests than this in an arm are no evidence."
    )
    metrics: Annotated[tuple[Metric, ...], Field(max_length=16)] = Field(
        default=(), description="What is compared."
    )


class OnFailure(StrEnum):
    """What is done about a version that is at fault."""

    ROLLBACK = "Rollback"
    PAUSE = "Pause"


class AfterSuccess(StrEnum):
    """What is done with a version that has passed all steps."""

    PROMOTE = "Promote"
    KEEP = "Keep"


class Rollout(Model):
    """How the next version goes out. It starts when the canary's pod template changes."""

    stable: Arm = Field(description="The version that serves.")
    canary: Arm = Field(description="The version on its way.")
    traffic: Traffic = Field(description="Where the weights are set.")
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=20)] = Field(
        default=(
            Step(weight=5, hold_seconds=3600),
            Step(weight=25, hold_seconds=7200),
            Step(weight=100, hold_seconds=21_600),
        ),
        description="Shares of the traffic, rising.",
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
