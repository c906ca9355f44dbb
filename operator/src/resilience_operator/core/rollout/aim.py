"""What a rollout aims at: the route and the arms whose weights it changes.

The status refers to it for as long as there is something to put back. A spec that has been taken
away meanwhile, or that aims elsewhere now, is thereby undone even after a restart.
"""

from resilience_operator.api.v1alpha1.rollout import (
    Arm,
    HttpRouteTraffic,
    IngressNginxTraffic,
    IstioTraffic,
    ReplicasTraffic,
    Rollout,
    Traffic,
)
from resilience_operator.api.v1alpha1.rollout_status import (
    ArmReference,
    OriginalWeight,
    RolloutPhase,
    RolloutStatus,
    TrafficKind,
    TrafficReference,
)
from resilience_operator.core.rollout.history import remembering

_LEAST_REPLICAS, _MOST_REPLICAS = 2, 1000


def reference_to(spec: Rollout) -> TrafficReference:
    """What a spec aims at."""
    kind, name = _named(spec.traffic)
    return TrafficReference(
        kind=kind, name=name, stable=_reference(spec.stable), canary=_reference(spec.canary)
    )


def left_behind(spec: Rollout | None, status: RolloutStatus) -> Rollout | None:
    """A spec by which to undo what the present one does not aim at; None when it does."""
    past = status.traffic
    if past is None or (spec is not None and reference_to(spec) == past):
        return None
    return Rollout(
        stable=_arm(past.stable), canary=_arm(past.canary), traffic=_traffic(past, status.originals)
    )


def abandoned(status: RolloutStatus, now: float) -> RolloutStatus:
    """The status once what was left behind is undone: what aims elsewhere begins anew."""
    under_way = status.step > 0 and status.finished_revision != status.revision
    history = status.history
    if under_way:
        history = remembering(status, RolloutPhase.ROLLED_BACK, now, "TargetChanged")
    return RolloutStatus(finished_revision=status.finished_revision, history=history)


def _named(traffic: Traffic) -> tuple[TrafficKind, str]:
    if traffic.http_route is not None:
        return TrafficKind.HTTP_ROUTE, traffic.http_route.name
    if traffic.ingress_nginx is not None:
        return TrafficKind.INGRESS_NGINX, traffic.ingress_nginx.ingress
    if traffic.istio is not None:
        return TrafficKind.ISTIO, traffic.istio.virtual_service
    return TrafficKind.REPLICAS, ""


def _traffic(past: TrafficReference, originals: tuple[OriginalWeight, ...]) -> Traffic:
    match past.kind:
        case TrafficKind.HTTP_ROUTE:
            return Traffic(http_route=HttpRouteTraffic(name=past.name))
        case TrafficKind.INGRESS_NGINX:
            return Traffic(ingress_nginx=IngressNginxTraffic(ingress=past.name))
        case TrafficKind.ISTIO:
            return Traffic(istio=IstioTraffic(virtual_service=past.name))
        case TrafficKind.REPLICAS:
            count = sum(original.weight for original in originals)
            total = min(max(count, _LEAST_REPLICAS), _MOST_REPLICAS)
            return Traffic(replicas=ReplicasTraffic(total=total))


def _reference(arm: Arm) -> ArmReference:
    return ArmReference(deployment=arm.deployment, service=arm.service)


def _arm(past: ArmReference) -> Arm:
    return Arm(deployment=past.deployment, service=past.service)
