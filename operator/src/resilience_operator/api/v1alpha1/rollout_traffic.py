"""`spec.rollout`: its two arms, and the object on which the traffic is split between them."""

from typing import Annotated

from pydantic import ConfigDict, Field

from resilience_operator.api.v1alpha1.base import Model, ObjectName
from resilience_operator.api.v1alpha1.rules import SET_LIST, exactly_one, rules

RouteNames = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=253)], ...], Field(max_length=16)
]


class Arm(Model):
    """One side of a rollout: a Deployment and the Service in front of its pods."""

    deployment: ObjectName = Field(description="Name of the Deployment.")
    service: ObjectName = Field(
        description="Name of the Service that selects its pods only. With `traffic.replicas` both "
        "arms may name the one Service that selects the pods of both."
    )


class HttpRouteTraffic(Model):
    """Weights of an HTTPRoute (Gateway API)."""

    name: ObjectName = Field(description="Name of the HTTPRoute.")
    rules: RouteNames = Field(
        default=(),
        description="Names of rules; default: every rule with both Services.",
        json_schema_extra=SET_LIST,
    )


class IngressNginxTraffic(Model):
    """A canary Ingress beside the stable one, for ingress-nginx."""

    ingress: ObjectName = Field(description="Name of the stable Ingress.")


class IstioTraffic(Model):
    """Weights of an Istio VirtualService."""

    virtual_service: ObjectName = Field(description="Name of the VirtualService.")
    routes: RouteNames = Field(
        default=(),
        description="Names of http routes; default: every one with both Services.",
        json_schema_extra=SET_LIST,
    )


class ReplicasTraffic(Model):
    """No router: the share is approximated by the number of replicas."""

    total: Annotated[int, Field(ge=2, le=1000)] = Field(
        description="Replicas of both Deployments together; 20 can tell apart steps of 5 percent."
    )


_KINDS = ("httpRoute", "ingressNginx", "istio", "replicas")


class Traffic(Model):
    """Where weights are set: exactly one kind."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            exactly_one(
                _KINDS,
                f"traffic takes exactly one of {', '.join(_KINDS)}: give one, remove the others",
            )
        )
    )

    http_route: HttpRouteTraffic | None = Field(default=None, description="Gateway API.")
    ingress_nginx: IngressNginxTraffic | None = Field(default=None, description="ingress-nginx.")
    istio: IstioTraffic | None = Field(default=None, description="Istio.")
    replicas: ReplicasTraffic | None = Field(default=None, description="Replica counts.")
