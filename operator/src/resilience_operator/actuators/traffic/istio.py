"""VirtualService of Istio: weights of the destinations of its http routes.

Destinations are found by host, short or in full, whatever their subset; those of other hosts keep
their weight. Istio wants the weights of a route to add up to 100, which the split keeps: what both
Services have together stays what it was beside others, and is 100 alone.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from resilience_operator.actuators.base import Api, Object
from resilience_operator.actuators.traffic.rules import Arms, Backend, Rule, fingerprint
from resilience_operator.actuators.traffic.split import Slot
from resilience_operator.actuators.traffic.weighted import WeightedRoute
from resilience_operator.core.model import Problem
from resilience_operator.core.resources import VIRTUAL_SERVICES

# A destination alone in its route gets everything, with or without a weight.
_ALONE = 100


def virtual_service(
    api: Api, namespace: str, name: str, routes: Sequence[str], arms: Arms
) -> WeightedRoute:
    """The router of one VirtualService."""
    return WeightedRoute(api, namespace, name, VirtualServiceLayout(), routes, arms)


class VirtualServiceLayout:
    """Where a VirtualService has its weights."""

    resource = VIRTUAL_SERVICES
    rule_word = "istio.routes"

    def rules(self, live: Object) -> tuple[Rule, ...]:
        """`spec.http`."""
        namespace = live["metadata"].get("namespace", "")
        routes = live["spec"].get("http") or ()
        return tuple(_rule(index, route, namespace) for index, route in enumerate(routes))

    def refusal(self, live: Object) -> Problem | None:
        """Istio reports nothing that all of its versions agree on."""
        return None

    def in_force(self, live: Object) -> bool:
        """Proxies get it within seconds, and nothing says so."""
        return True


def service_of(host: str, namespace: str) -> str:
    """The Service of the namespace that a destination's host means; empty when it is another."""
    name, dot, rest = host.partition(".")
    near = ("", namespace, f"{namespace}.svc", f"{namespace}.svc.cluster.local")
    return name if rest in near and (rest or not dot) else ""


def _rule(index: int, route: Mapping[str, Any], namespace: str) -> Rule:
    name = route.get("name") or ""
    destinations = route.get("route") or ()
    default = _ALONE if len(destinations) == 1 else 0
    return Rule(
        place=f"http route {index}" + (f" ({name})" if name else ""),
        name=name,
        fingerprint=fingerprint(name or route.get("match")),
        backends=tuple(
            _backend(f"/spec/http/{index}/route/{i}", destination, namespace, default)
            for i, destination in enumerate(destinations)
        ),
    )


def _backend(pointer: str, destination: Mapping[str, Any], namespace: str, default: int) -> Backend:
    host = (destination.get("destination") or {}).get("host") or ""
    identity = (f"{pointer}/destination/host", host)
    weight = destination.get("weight")
    return Backend(
        Slot(pointer, identity, default if weight is None else weight),
        service_of(host, namespace),
    )
