"""Weights of a real HTTPRoute: what the API server lets through, keeps and says of managers."""

import asyncio
import copy
from contextlib import suppress
from typing import Any

import pytest

from resilience_operator.actuators.traffic.httproute import http_route
from resilience_operator.actuators.traffic.originals import ANNOTATION
from resilience_operator.actuators.traffic.rules import Arms
from resilience_operator.actuators.traffic.weighted import WeightedRoute
from resilience_operator.core.errors import TransientError
from resilience_operator.core.resources import HTTP_ROUTES, SERVICES
from resilience_operator.kube.client import KubeClient

Body = dict[str, Any]
NAME, STABLE, CANARY = "dashboard", "dashboard", "dashboard-canary"

pytestmark = pytest.mark.usefixtures("gateway_api")


def backend(name: str, weight: int | None = None, **more: Any) -> Body:
    found: Body = {"name": name, "port": 80, **more}
    return found if weight is None else {**found, "weight": weight}


def rule(*backends: Body, path: str = "/", **more: Any) -> Body:
    matches = [{"path": {"type": "PathPrefix", "value": path}}]
    return {"matches": matches, "backendRefs": list(backends), **more}


def manifest(*rules: Body) -> Body:
    return {"spec": {"parentRefs": [{"name": "edge"}, {"name": "inner"}], "rules": list(rules)}}


class Bench:
    """A route of the user's and the router on it."""

    def __init__(self, api: KubeClient, namespace: str) -> None:
        self.api = api
        self.namespace = namespace
        self.router = self.router_for()

    def router_for(self, *rules: str) -> WeightedRoute:
        return http_route(self.api, self.namespace, NAME, rules, Arms(STABLE, CANARY))

    async def apply(self, *rules: Body) -> Body:
        """As `kubectl apply --server-side --force-conflicts` does."""
        return await self.api.apply(
            HTTP_ROUTES, self.namespace, NAME, manifest(*rules), field_manager="kubectl", force=True
        )

    async def live(self) -> Body:
        found = await self.api.get(HTTP_ROUTES, self.namespace, NAME)
        assert found is not None
        return found

    async def weights(self) -> list[list[int]]:
        rules = (await self.live())["spec"]["rules"]
        return [[b["weight"] for b in r["backendRefs"]] for r in rules]

    async def report(self, generation: int, **statuses: str) -> None:
        """Have the Gateways say whether they accept that generation."""
        parents = [
            {
                "parentRef": {"name": name},
                "controllerName": "example.com/gateway",
                "conditions": [
                    {
                        "type": "Accepted",
                        "status": status,
                        "reason": "Accepted" if status == "True" else "NotAllowedByListeners",
                        "message": "",
                        "observedGeneration": generation,
                        "lastTransitionTime": "2026-01-01T00:00:00Z",
                    }
                ],
            }
            for name, status in statuses.items()
        ]
        body = {"status": {"parents": parents}}
        await self.api.apply_status(HTTP_ROUTES, self.namespace, NAME, body, "gateway")


@pytest.fixture
def bench(api: KubeClient, namespace: str, services: tuple[str, str]) -> Bench:
    return Bench(api, namespace)


async def test_two_weights_and_nothing_else(bench: Bench) -> None:
    mirror = {"type": "RequestMirror", "requestMirror": {"backendRef": backend("shadow")}}
    header = {"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": ["x-debug"]}}
    await bench.apply(
        rule(
            backend(STABLE, 80, filters=[header]),
            backend("legacy", 20),
            backend(CANARY, 0),
            filters=[mirror],
            timeouts={"request": "3s"},
        ),
        rule(backend(STABLE), backend(CANARY), path="/web"),
        rule(backend("static"), path="/static"),
    )
    before = await bench.live()
    view = await bench.router.set_weight(5, ())
    assert (view.weight, view.problem) == (5, None)
    after = await bench.live()
    assert await bench.weights() == [[76, 20, 4], [95, 5], [1]]
    expected = copy.deepcopy(before["spec"])
    for index, weights in ((0, (76, 20, 4)), (1, (95, 5))):
        for ref, weight in zip(expected["rules"][index]["backendRefs"], weights, strict=True):
            ref["weight"] = weight
    assert after["spec"] == expected
    assert after["metadata"]["generation"] == before["metadata"]["generation"] + 1
    managers = {e["manager"]: e["operation"] for e in after["metadata"]["managedFields"]}
    assert managers["resilience-operator"] == "Update"

    await bench.router.restore(view.originals)
    restored = await bench.live()
    assert restored["spec"] == before["spec"]
    assert ANNOTATION not in restored["metadata"].get("annotations", {})


async def test_named_rules(bench: Bench) -> None:
    pair = (backend(STABLE, 100), backend(CANARY, 0))
    await bench.apply(rule(*pair, name="api"), rule(*pair, name="web", path="/web"))
    await bench.router_for("web").set_weight(25, ())
    assert await bench.weights() == [[100, 0], [75, 25]]
    view = await bench.router_for("none").read(None)
    assert view.problem is not None
    assert view.problem.reason == "RuleMissing"


async def test_accepted_when_every_parent_says_so_of_this_generation(bench: Bench) -> None:
    await bench.apply(rule(backend(STABLE, 100), backend(CANARY, 0)))
    assert not (await bench.router.read(None)).accepted
    await bench.report(1, edge="True", inner="True")
    assert (await bench.router.read(None)).accepted
    assert not (await bench.router.set_weight(5, ())).accepted
    await bench.report(2, edge="True", inner="False")
    view = await bench.router.read(5)
    assert not view.accepted
    assert view.problem is not None
    assert "Gateway inner does not accept" in view.problem.message
    await bench.report(2, edge="True", inner="True")
    view = await bench.router.read(5)
    assert (view.accepted, view.weight, view.problem) == (True, 5, None)


async def test_the_users_next_apply_resets_weights_and_they_are_set_again(bench: Bench) -> None:
    route = rule(backend(STABLE, 1), backend(CANARY, 0))
    await bench.apply(route)
    originals = (await bench.router.read(None)).originals
    await bench.router.set_weight(25, originals)
    await bench.apply(rule(backend("new", 1), path="/new"), route)
    view = await bench.router.read(25)
    assert (view.drifted, view.weight) == (True, 0)
    view = await bench.router.set_weight(25, originals)
    assert not view.drifted
    assert await bench.weights() == [[1], [75, 25]]
    await bench.router.restore(originals)
    assert await bench.weights() == [[1], [1, 0]]


async def test_two_writers_at_once(bench: Bench) -> None:
    """Ours and somebody who edits the same list, again and again: neither loses anything."""
    await bench.apply(rule(backend(STABLE, 100), backend(CANARY, 0)))

    async def edit() -> None:
        for number in range(12):
            operation = {
                "op": "add",
                "path": "/spec/rules/0",
                "value": rule(backend("x"), path=f"/{number}"),
            }
            await bench.api.json_patch(HTTP_ROUTES, bench.namespace, NAME, [operation])
            await asyncio.sleep(0.01)

    async def move() -> None:
        for weight in range(0, 100, 5):
            with suppress(TransientError):  # it may not find a quiet moment; then a later one does
                assert (await bench.router.set_weight(weight, ())).problem is None

    await asyncio.gather(edit(), move())
    await bench.router.set_weight(95, ())
    weights = await bench.weights()
    assert weights[-1] == [5, 95]
    assert len(weights) == 13
    await bench.router.restore(())
    assert (await bench.weights())[-1] == [100, 0]


async def test_a_steady_state_writes_nothing(bench: Bench) -> None:
    await bench.apply(rule(backend(STABLE, 100), backend(CANARY, 0)))
    await bench.router.set_weight(5, ())
    version = (await bench.live())["metadata"]["resourceVersion"]
    await bench.router.set_weight(5, ())
    await bench.router.read(5)
    assert (await bench.live())["metadata"]["resourceVersion"] == version


async def test_another_tools_route_is_left_alone(bench: Bench) -> None:
    body = manifest(rule(backend(STABLE, 100), backend(CANARY, 0)))
    await bench.api.apply(HTTP_ROUTES, bench.namespace, NAME, body, field_manager="flagger")
    view = await bench.router.set_weight(5, ())
    assert view.problem is not None
    assert view.problem.reason == "ManagedByOther"
    assert await bench.weights() == [[100, 0]]


async def test_missing_route_and_missing_service(bench: Bench) -> None:
    view = await bench.router.read(None)
    assert view.problem is not None
    assert view.problem.reason == "RouteMissing"
    assert (await bench.router.restore(())).problem is None
    await bench.apply(rule(backend(STABLE, 100), backend(CANARY, 0)))
    await bench.api.delete(SERVICES, bench.namespace, CANARY)
    view = await bench.router.set_weight(5, ())
    assert view.problem is not None
    assert view.problem.reason == "ServiceMissing"
