"""VirtualService: hosts short and in full, subsets, other destinations."""

from typing import Any

import pytest

from resilience_operator.actuators.traffic.istio import service_of, virtual_service
from resilience_operator.actuators.traffic.rules import Arms
from resilience_operator.core.resources import VIRTUAL_SERVICES
from tests.unit.actuators.traffic.objects import NAMESPACE, Body, Objects

STABLE, CANARY = "dashboard", "dashboard-canary"


@pytest.mark.parametrize(
    ("host", "service"),
    [
        ("dashboard", "dashboard"),
        ("dashboard.retail", "dashboard"),
        ("dashboard.retail.svc", "dashboard"),
        ("dashboard.retail.svc.cluster.local", "dashboard"),
        ("dashboard.other", ""),
        ("dashboard.other.svc.cluster.local", ""),
        ("dashboard.example.com", ""),
        ("dashboard.", ""),
    ],
)
def test_hosts(host: str, service: str) -> None:
    assert service_of(host, NAMESPACE) == service


def destination(host: str, weight: int | None = None, **more: Any) -> Body:
    found: Body = {"destination": {"host": host, **more}}
    return found if weight is None else {**found, "weight": weight}


def make_service(*routes: Body) -> Body:
    return {"metadata": {"name": "dashboard"}, "spec": {"hosts": ["x"], "http": list(routes)}}


async def test_weights_of_two_hosts() -> None:
    api = Objects(STABLE, CANARY)
    full = f"{CANARY}.{NAMESPACE}.svc.cluster.local"
    api.put(
        VIRTUAL_SERVICES,
        make_service(
            {
                "name": "main",
                "route": [
                    destination(STABLE, 80, subset="v1"),
                    destination(full, 0),
                    destination("legacy.other", 20),
                ],
                "timeout": "3s",
            },
            {"route": [destination(STABLE)]},
        ),
    )
    router = virtual_service(api, NAMESPACE, "dashboard", (), Arms(STABLE, CANARY))
    view = await router.set_weight(25, ())
    assert (view.weight, view.accepted, view.problem) == (25, True, None)
    main, other = api.live(VIRTUAL_SERVICES, "dashboard")["spec"]["http"]
    assert main == {
        "name": "main",
        "route": [
            destination(STABLE, 60, subset="v1"),
            destination(full, 20),
            destination("legacy.other", 20),
        ],
        "timeout": "3s",
    }
    assert other == {"route": [destination(STABLE)]}
    await router.restore(())
    weights = [
        d["weight"] for d in api.live(VIRTUAL_SERVICES, "dashboard")["spec"]["http"][0]["route"]
    ]
    assert weights == [80, 0, 20]


async def test_a_route_without_the_canary() -> None:
    api = Objects(STABLE, CANARY)
    api.put(VIRTUAL_SERVICES, make_service({"route": [destination(STABLE)]}))
    router = virtual_service(api, NAMESPACE, "dashboard", (), Arms(STABLE, CANARY))
    view = await router.read(None)
    assert view.problem is not None
    assert "add it to that rule with a weight of 0" in view.problem.message
