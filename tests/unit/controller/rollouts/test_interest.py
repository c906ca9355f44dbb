"""Watches of what rollouts refer to: one per kind, and only for those who asked."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from resilience_operator.api.v1alpha1.rollout import (
    IngressNginxTraffic,
    IstioTraffic,
    ReplicasTraffic,
    Traffic,
)
from resilience_operator.controller.rollouts.interest import Interest, subjects_of
from resilience_operator.controller.rollouts.mirror import Mirror
from resilience_operator.core.model import Key
from resilience_operator.core.resources import DEPLOYMENTS, HTTP_ROUTES, Resource
from tests.unit.controller.rollouts.bench import CANARY, KEY, STABLE, Server
from tests.unit.core.rollout.world import make_rollout


class Watch:
    """Changes that the test puts in."""

    def __init__(self) -> None:
        self.changes: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue()

    async def events(self) -> AsyncIterator[tuple[Any, dict[str, Any]]]:
        while True:
            yield await self.changes.get()


class Bench:
    def __init__(self, watches: int = 1) -> None:
        self.watches: dict[Resource, list[Watch]] = {}
        self.told: list[Key] = []
        self.server = Server()
        self.mirror = Mirror(self.server)
        self.interest = Interest(self._open, self.told.append, self.mirror)
        self._count = watches

    def _open(self, resource: Resource) -> list[Watch]:
        assert resource not in self.watches, "one watch for each kind"
        self.watches[resource] = [Watch() for _ in range(self._count)]
        return self.watches[resource]

    async def show(
        self, resource: Resource, name: str, change: str = "MODIFIED", watch: int = 0
    ) -> list[Key]:
        """Who is told of a change; without a name, that a list is complete."""
        del self.told[:]
        metadata = {"name": name, "namespace": KEY[0], "resourceVersion": "100"}
        body: dict[str, Any] = {"metadata": metadata, "spec": {}} if name else {}
        await self.watches[resource][watch].changes.put((change, body))
        for _ in range(5):
            await asyncio.sleep(0)
        return list(self.told)


@pytest.mark.parametrize(
    ("traffic", "kinds"),
    [
        (None, {"Deployment", "Service", "HTTPRoute"}),
        (
            Traffic(ingress_nginx=IngressNginxTraffic(ingress="web")),
            {"Deployment", "Service", "Ingress"},
        ),
        (
            Traffic(istio=IstioTraffic(virtual_service="web")),
            {"Deployment", "Service", "VirtualService"},
        ),
        (Traffic(replicas=ReplicasTraffic(total=10)), {"Deployment"}),
    ],
)
def test_subjects(traffic: Traffic | None, kinds: set[str]) -> None:
    spec = make_rollout() if traffic is None else make_rollout(traffic=traffic)
    assert {resource.kind for resource, _, _ in subjects_of("retail", spec)} == kinds


def test_the_canary_ingress_of_our_own_is_followed_too() -> None:
    spec = make_rollout(traffic=Traffic(ingress_nginx=IngressNginxTraffic(ingress="web")))
    assert {"web", "web-canary"} <= {name for _, _, name in subjects_of("retail", spec)}


async def test_those_who_refer_to_an_object_are_told_of_its_changes() -> None:
    bench = Bench()
    other = ("retail", "other")
    bench.interest.follow(KEY, make_rollout())
    bench.interest.follow(other, make_rollout())
    assert sorted(await bench.show(DEPLOYMENTS, CANARY)) == sorted([KEY, other])
    assert await bench.show(DEPLOYMENTS, "unrelated") == []
    bench.interest.forget(other)
    assert await bench.show(HTTP_ROUTES, "dashboard") == [KEY]
    bench.interest.forget(KEY)
    assert await bench.show(DEPLOYMENTS, STABLE) == []
    await bench.interest.stop()


async def test_a_spec_that_names_other_objects_is_told_of_those() -> None:
    bench = Bench()
    bench.interest.follow(KEY, make_rollout())
    bench.interest.follow(KEY, make_rollout(traffic=Traffic(replicas=ReplicasTraffic(total=10))))
    assert await bench.show(HTTP_ROUTES, "dashboard") == []
    assert await bench.show(DEPLOYMENTS, STABLE) == [KEY]
    await bench.interest.stop()


async def test_the_mirror_is_used_once_every_watch_of_a_kind_has_listed() -> None:
    bench = Bench(watches=2)
    bench.interest.follow(KEY, make_rollout())
    subject = (DEPLOYMENTS, *KEY[:1], STABLE)

    async def requests() -> int:
        del bench.server.asked[:]
        await bench.mirror.get(*subject)
        await bench.mirror.get(*subject)
        return len(bench.server.asked)

    await bench.show(DEPLOYMENTS, "", "SYNCED", watch=0)
    assert await requests() == 2
    await bench.show(DEPLOYMENTS, "", "SYNCED", watch=1)
    assert await requests() == 1
    await bench.show(DEPLOYMENTS, STABLE)
    assert await bench.mirror.get(*subject) is not None
    await bench.show(DEPLOYMENTS, STABLE, "DELETED")
    assert await bench.mirror.get(*subject) is None
    await bench.interest.stop()
