"""What a rollout stands on: two Deployments, their Services, and the route between them."""

from collections.abc import Iterator, Mapping

from resilience_operator.actuators.traffic.foreign import managed_by_other
from resilience_operator.api.v1alpha1.policy import ResiliencePolicy
from resilience_operator.api.v1alpha1.rollout import Arm, Rollout
from resilience_operator.api.v1alpha1.rollout_status import RolloutPhase
from resilience_operator.cli.preflight.flags import split
from resilience_operator.cli.preflight.model import (
    Check,
    Denied,
    Found,
    failed,
    listed,
    passed,
    unseen,
    warned,
)
from resilience_operator.core.rollout.model import DeploymentView, TrafficView
from resilience_operator.core.rollout.workloads import view_deployment

_REMEDIES = {
    "RouteMissing": "Make it, or correct the name in spec.rollout.traffic.",
    "ServiceMissing": "Make the Service, or correct its name in spec.rollout.",
    "RouteNotAccepted": "See the route's status.parents: the Gateway's listeners have to let this "
    "namespace, host name and kind in.",
    "BackendsNotResolved": "See the route's status.parents: a Service or its port is not there.",
    "RouteInvalid": "Correct the route.",
}
_AT_REST = frozenset({RolloutPhase.IDLE, RolloutPhase.WAITING})


def judge_arms(
    rollout: Rollout, deployments: Mapping[str, Found], services: Mapping[str, Found]
) -> Iterator[Check]:
    """A check for each Deployment, and for each Service whether it selects its arm's pods only."""
    arms = {"stable": rollout.stable, "canary": rollout.canary}
    for word, arm in arms.items():
        yield _deployment(word, rollout, deployments.get(arm.deployment), arm)
    for word, arm in arms.items():
        other = arms["canary" if word == "stable" else "stable"]
        yield _service(word, arm, other, deployments, services.get(arm.service))


def judge_route(policy: ResiliencePolicy, rollout: Rollout, view: TrafficView | Denied) -> Check:
    """The route: there, with both Services in a rule, and accepted by whom it is for."""
    name = f"rollout: {route_of(rollout)}"
    if isinstance(view, Denied):
        return unseen(name, view, f"Ask somebody who may get it in {policy.namespace}.")
    if view.problem is not None:
        finding, remedy = split(view.problem)
        return failed(
            name, finding, remedy or _REMEDIES.get(view.problem.reason, "Correct the route.")
        )
    if rollout.traffic.replicas is not None:
        return passed(name, "The share is one of replicas: no router is needed.")
    if not view.accepted:
        return failed(
            name,
            "No Gateway has accepted it as it is now.",
            "Name a Gateway that is there in its parentRefs, and see that its controller runs.",
        )
    status = policy.status.rollout
    if view.weight and (status is None or status.phase in _AT_REST):
        return warned(
            name,
            f"The canary has {view.weight} % of the traffic, and no rollout is under way.",
            "Give its Service a weight of 0: where weights are now, a rollback puts them back to.",
        )
    return passed(name, "It sends to both Services and is in force.")


def route_of(rollout: Rollout) -> str:
    """The object on which traffic is split, for people."""
    traffic = rollout.traffic
    if traffic.http_route is not None:
        return f"HTTPRoute {traffic.http_route.name}"
    if traffic.istio is not None:
        return f"VirtualService {traffic.istio.virtual_service}"
    if traffic.ingress_nginx is not None:
        return f"Ingress {traffic.ingress_nginx.ingress}"
    return "replicas"


def _deployment(word: str, rollout: Rollout, live: Found, arm: Arm) -> Check:
    name = f"rollout: Deployment {arm.deployment}"
    if isinstance(live, Denied):
        return unseen(name, live, "Ask somebody who may get deployments there.")
    if live is None:
        return failed(
            name,
            f"There is no Deployment {arm.deployment}.",
            f"Deploy it, or correct spec.rollout.{word}.deployment.",
        )
    problem = managed_by_other("Deployment", live)
    if problem is not None:
        return failed(name, *split(problem))
    view = view_deployment(arm.deployment, live, ())
    if view.desired == 0:
        return _at_zero(word, rollout, name)
    return _readiness(word, name, view)


def _at_zero(word: str, rollout: Rollout, name: str) -> Check:
    if word == "stable":
        return failed(name, "It is at 0 replicas, and serves nobody.", "Scale it up.")
    if rollout.traffic.replicas is not None:
        return passed(name, "At 0 replicas; the first step makes its pods.")
    return warned(
        name,
        "It is at 0 replicas: a rollout waits until it has pods that are ready.",
        "Scale it to what its share of the traffic needs.",
    )


def _readiness(word: str, name: str, view: DeploymentView) -> Check:
    finding = f"{view.ready} of {view.desired} replicas are ready."
    if view.ready >= view.desired:
        return passed(name, finding)
    remedy = f"See why: kubectl describe deployment {view.name}"
    if word == "stable" and view.ready == 0:
        return failed(name, finding, remedy)
    return warned(name, finding, f"No step is taken until all are. {remedy}")


def _service(
    word: str, arm: Arm, other: Arm, deployments: Mapping[str, Found], live: Found
) -> Check:
    name = f"rollout: Service {arm.service}"
    if isinstance(live, Denied):
        return unseen(name, live, "Ask somebody who may get services there.")
    if live is None:
        return failed(
            name,
            f"There is no Service {arm.service}.",
            f"Make it, or correct spec.rollout.{word}.service.",
        )
    selector: Mapping[str, str] = (live.get("spec") or {}).get("selector") or {}
    mine, theirs = deployments.get(arm.deployment), deployments.get(other.deployment)
    told = listed([f"{key}={value}" for key, value in selector.items()]) or "nothing"
    if _selects(selector, mine) is False:
        return failed(
            name,
            f"It selects {told}; the pods of Deployment {arm.deployment} are labelled otherwise.",
            "Correct the Service's selector, or the labels of the pod template.",
        )
    if arm.service != other.service and _selects(selector, theirs):
        return failed(
            name,
            f"It selects {told}, and with that the pods of Deployment {other.deployment} as well.",
            "Give the pods of each arm a label of their own, and each Service its selector.",
        )
    return passed(name, f"It selects {told}.")


def _selects(selector: Mapping[str, str], live: Found) -> bool | None:
    """Whether it selects the pods of that Deployment; None where there is nothing to be seen."""
    if live is None or isinstance(live, Denied):
        return None
    labels = live["spec"]["template"]["metadata"].get("labels") or {}
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())
