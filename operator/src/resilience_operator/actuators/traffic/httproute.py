"""HTTPRoute of the Gateway API: weights of backendRefs, and what the Gateways say of the route.

Rules have names in the experimental channel only; elsewhere every rule with both Services is set. A
weight counts when every Gateway that has reported on the route accepts it at this generation.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from resilience_operator.actuators.base import Api, Object
from resilience_operator.actuators.traffic.rules import Arms, Backend, Rule, fingerprint
from resilience_operator.actuators.traffic.split import Slot
from resilience_operator.actuators.traffic.weighted import WeightedRoute
from resilience_operator.core.model import Problem
from resilience_operator.core.resources import HTTP_ROUTES

_GROUP = "gateway.networking.k8s.io"
# What a backend without a weight has, by the API.
_DEFAULT_WEIGHT = 1


def http_route(
    api: Api, namespace: str, name: str, rules: Sequence[str], arms: Arms
) -> WeightedRoute:
    """The router of one HTTPRoute."""
    return WeightedRoute(api, namespace, name, HttpRouteLayout(), rules, arms)


class HttpRouteLayout:
    """Where an HTTPRoute has its weights."""

    resource = HTTP_ROUTES
    rule_word = "httpRoute.rules"

    def rules(self, live: Object) -> tuple[Rule, ...]:
        """`spec.rules`."""
        namespace = live["metadata"].get("namespace", "")
        rules = live["spec"].get("rules") or ()
        return tuple(_rule(index, rule, namespace) for index, rule in enumerate(rules))

    def refusal(self, live: Object) -> Problem | None:
        """A Gateway that does not accept this generation, or finds a backend missing."""
        for parent in _parents(live):
            for kind in ("Accepted", "ResolvedRefs"):
                condition = _condition(parent, kind)
                if condition.get("status") == "False" and _is_current(condition, live):
                    return _refusal(live, parent, condition)
        return None

    def in_force(self, live: Object) -> bool:
        """Whether every Gateway that has reported accepts this generation; none is not enough."""
        parents = list(_parents(live))
        return bool(parents) and all(_accepts(parent, live) for parent in parents)


def _rule(index: int, rule: Mapping[str, Any], namespace: str) -> Rule:
    name = rule.get("name") or ""
    pointer = f"/spec/rules/{index}/backendRefs"
    backends = enumerate(rule.get("backendRefs") or ())
    return Rule(
        place=f"rule {index}" + (f" ({name})" if name else ""),
        name=name,
        fingerprint=fingerprint(name or rule.get("matches")),
        backends=tuple(_backend(f"{pointer}/{i}", backend, namespace) for i, backend in backends),
    )


def _backend(pointer: str, backend: Mapping[str, Any], namespace: str) -> Backend:
    name = backend["name"]
    is_service = (backend.get("group") or "", backend.get("kind") or "Service") == ("", "Service")
    is_near = (backend.get("namespace") or namespace) == namespace
    weight = backend.get("weight")
    return Backend(
        Slot(pointer, (f"{pointer}/name", name), _DEFAULT_WEIGHT if weight is None else weight),
        name if is_service and is_near else "",
    )


def _parents(live: Object) -> Iterator[Mapping[str, Any]]:
    """What has been reported for the parents that the route has now.

    A report on a parent that has been taken out of the spec stays until its controller looks.
    """
    namespace = live["metadata"].get("namespace", "")
    present = {_parent(ref, namespace) for ref in live["spec"].get("parentRefs") or ()}
    for status in (live.get("status") or {}).get("parents") or ():
        if _parent(status.get("parentRef") or {}, namespace) in present:
            yield status


def _parent(ref: Mapping[str, Any], namespace: str) -> tuple[object, ...]:
    return (
        ref.get("group", _GROUP),
        ref.get("kind", "Gateway"),
        ref.get("namespace", namespace),
        ref.get("name"),
        ref.get("sectionName"),
        ref.get("port"),
    )


def _accepts(parent: Mapping[str, Any], live: Object) -> bool:
    accepted, resolved = _condition(parent, "Accepted"), _condition(parent, "ResolvedRefs")
    return (
        accepted.get("status") == "True"
        and _is_current(accepted, live)
        and resolved.get("status") != "False"
    )


def _condition(parent: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    conditions = parent.get("conditions") or ()
    return next((c for c in conditions if c.get("type") == kind), {})


def _is_current(condition: Mapping[str, Any], live: Object) -> bool:
    generation: int = live["metadata"].get("generation", 0)
    observed: int = condition.get("observedGeneration", 0)
    return observed >= generation


def _refusal(live: Object, parent: Mapping[str, Any], condition: Mapping[str, Any]) -> Problem:
    name, gateway = live["metadata"]["name"], (parent.get("parentRef") or {}).get("name")
    reason = condition.get("reason", "")
    if condition["type"] == "Accepted":
        return Problem(
            "RouteNotAccepted", f"Gateway {gateway} does not accept HTTPRoute {name}: {reason}."
        )
    return Problem(
        "BackendsNotResolved",
        f"Gateway {gateway} cannot resolve a backend of HTTPRoute {name}: {reason}.",
    )
