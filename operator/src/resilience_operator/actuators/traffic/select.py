"""Which router a rollout has: the one kind that its spec names."""

from resilience_operator.actuators.base import Api
from resilience_operator.actuators.traffic.base import Router
from resilience_operator.actuators.traffic.httproute import http_route
from resilience_operator.actuators.traffic.ingress_nginx import IngressNginx
from resilience_operator.actuators.traffic.istio import virtual_service
from resilience_operator.actuators.traffic.replicas import Replicas
from resilience_operator.actuators.traffic.rules import Arms
from resilience_operator.api.v1alpha1.rollout import Rollout


def build_router(api: Api, namespace: str, rollout: Rollout, policy: str) -> Router:
    """The router of a policy's rollout; makes no request. ValueError for a spec without one."""
    traffic = rollout.traffic
    arms = Arms(rollout.stable.service, rollout.canary.service)
    if (route := traffic.http_route) is not None:
        return http_route(api, namespace, route.name, route.rules, arms)
    if (nginx := traffic.ingress_nginx) is not None:
        return IngressNginx(api, namespace, nginx.ingress, arms, policy)
    if (istio := traffic.istio) is not None:
        return virtual_service(api, namespace, istio.virtual_service, istio.routes, arms)
    if (replicas := traffic.replicas) is not None:
        deployments = (rollout.stable.deployment, rollout.canary.deployment)
        return Replicas(api, namespace, replicas.total, *deployments)
    raise ValueError("spec.rollout.traffic names no kind of router")
