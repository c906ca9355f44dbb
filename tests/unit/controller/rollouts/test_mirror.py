"""The mirror never shows a route as it was before our own last write."""

import asyncio
from typing import Any

import pytest

from resilience_operator.controller.rollouts.mirror import Mirror, Present
from resilience_operator.core.errors import Invalid
from resilience_operator.core.resources import DEPLOYMENTS, HTTP_ROUTES, INGRESSES, SERVICES
from tests.unit.actuators.traffic.objects import NAMESPACE, Body
from tests.unit.controller.rollouts.bench import STABLE, Server

NAME = "dashboard"
SUBJECT = (HTTP_ROUTES, NAMESPACE, NAME)


def route(version: int, weight: int = 0, **metadata: Any) -> Body:
    metadata = {"name": NAME, "namespace": NAMESPACE, "resourceVersion": str(version), **metadata}
    return {"metadata": metadata, "spec": {"weight": weight}}


class Bench:
    def __init__(self, *, live: bool = True) -> None:
        self.server = Server()
        self.server.put(HTTP_ROUTES, {"metadata": {"name": NAME}, "spec": {"weight": 0}})
        self.mirror = Mirror(self.server)
        self.mirror.follow(SUBJECT)
        if live:
            self.mirror.synced(HTTP_ROUTES, live=True)

    async def weight(self) -> int | None:
        found = await self.mirror.get(*SUBJECT)
        return None if found is None else int(found["spec"]["weight"])

    @property
    def version(self) -> int:
        return int(self.server.live(HTTP_ROUTES, NAME)["metadata"]["resourceVersion"])


async def test_an_object_is_read_once() -> None:
    bench = Bench()
    await bench.weight()
    await bench.weight()
    assert bench.server.asked == [f"get httproutes/{NAME}"]


async def test_what_is_not_there_is_asked_for_once_too() -> None:
    bench = Bench()
    del bench.server.objects[(HTTP_ROUTES.kind, NAME)]
    assert await bench.weight() is None
    assert await bench.weight() is None
    assert len(bench.server.asked) == 1
    bench.mirror.seen(SUBJECT, route(7, 5))
    assert await bench.weight() == 5


async def test_without_a_watch_every_read_is_a_request() -> None:
    bench = Bench(live=False)
    await bench.weight()
    await bench.weight()
    assert len(bench.server.asked) == 2


async def test_of_what_nobody_follows_too() -> None:
    bench = Bench()
    bench.mirror.drop(SUBJECT)
    await bench.weight()
    await bench.weight()
    bench.mirror.seen(SUBJECT, route(9))
    assert len(bench.server.asked) == 2


async def test_the_watch_brings_what_is_new_and_takes_what_is_gone() -> None:
    bench = Bench()
    await bench.weight()
    bench.mirror.seen(SUBJECT, route(bench.version + 1, 25))
    assert await bench.weight() == 25
    bench.mirror.seen(SUBJECT, route(bench.version + 2), gone=True)
    assert await bench.weight() is None


async def test_our_own_write_is_seen_at_once_and_older_news_does_not_undo_it() -> None:
    bench = Bench()
    await bench.weight()
    before = bench.version
    operations = [{"op": "replace", "path": "/spec/weight", "value": 5}]
    api = Present(bench.mirror, bench.server)
    bench.server.put(HTTP_ROUTES, {"metadata": {"name": "other"}, "spec": {}})
    bench.server.json_patch = _patching(bench)  # type: ignore[method-assign]
    await api.json_patch(HTTP_ROUTES, NAMESPACE, NAME, operations)
    assert await bench.weight() == 5
    bench.mirror.seen(SUBJECT, route(before, 0))
    assert await bench.weight() == 5


async def test_a_relist_forgets_what_it_may_have_missed() -> None:
    bench = Bench()
    await bench.weight()
    del bench.server.objects[(HTTP_ROUTES.kind, NAME)]
    bench.mirror.synced(HTTP_ROUTES, live=True)
    assert await bench.weight() is None


async def test_a_deletion_that_a_list_found_has_no_version() -> None:
    bench = Bench()
    await bench.weight()
    gone = {"metadata": {"name": NAME, "namespace": NAMESPACE}}
    bench.mirror.seen(SUBJECT, gone, gone=True)
    assert await bench.weight() is None


async def test_a_watch_that_is_faster_than_a_read_is_believed() -> None:
    bench = Bench()
    asked, answer = asyncio.Event(), asyncio.Event()
    get = bench.server.get

    async def slow(*args: Any) -> Body | None:
        found = await get(*args)
        asked.set()
        await answer.wait()
        return found

    bench.server.get = slow  # type: ignore[method-assign]
    read = asyncio.ensure_future(bench.weight())
    await asked.wait()
    bench.mirror.seen(SUBJECT, route(bench.version + 1, 25))
    answer.set()
    assert await read == 25


async def test_what_is_about_to_be_changed_is_read_afresh_and_services_are_not() -> None:
    bench = Bench()
    api = Present(bench.mirror, bench.server)
    deployment = (DEPLOYMENTS, NAMESPACE, STABLE)
    bench.mirror.follow(deployment)
    bench.mirror.synced(DEPLOYMENTS, live=True)
    await bench.mirror.get(*deployment)
    await api.get(*deployment)
    assert bench.server.asked.count(f"get deployments/{STABLE}") == 2
    service = (SERVICES, NAMESPACE, STABLE)
    bench.mirror.follow(service)
    bench.mirror.synced(SERVICES, live=True)
    await api.get(*service)
    await api.get(*service)
    assert bench.server.asked.count(f"get services/{STABLE}") == 1


async def test_the_inside_of_managed_fields_is_not_kept() -> None:
    bench = Bench()
    entry = {"manager": "flagger", "fieldsV1": {"f:spec": {"f:rules": {}}}}
    bench.mirror.seen(SUBJECT, route(9, managedFields=[entry]))
    found = await bench.mirror.get(*SUBJECT)
    assert found is not None
    kept = found["metadata"]["managedFields"]
    assert kept == [{"manager": "flagger", "fieldsV1": {"f:spec": {}}}]


async def test_what_was_applied_is_kept_and_what_was_deleted_is_not() -> None:
    bench = Bench()
    subject = (INGRESSES, NAMESPACE, "web-canary")
    bench.mirror.follow(subject)
    bench.mirror.synced(INGRESSES, live=True)
    assert await bench.mirror.get(*subject) is None
    body = {"metadata": {"name": "web-canary"}, "spec": {}}
    await bench.mirror.apply(*subject, body, field_manager="ours")
    assert await bench.mirror.get(*subject) is not None
    await bench.mirror.delete(*subject)
    assert await bench.mirror.get(*subject) is None


async def test_lists_go_through() -> None:
    bench = Bench()
    assert await bench.mirror.list(DEPLOYMENTS, NAMESPACE) == []
    assert bench.server.asked == ["list deployments"]


async def test_a_route_is_read_afresh_only_after_its_patch_was_refused() -> None:
    bench = Bench()
    api = Present(bench.mirror, bench.server)
    await bench.weight()
    await api.get(*SUBJECT)
    assert bench.server.asked.count(f"get httproutes/{NAME}") == 1
    bench.server.put(HTTP_ROUTES, route(77, 40))  # and the watch has not said so yet
    old = [{"op": "test", "path": "/metadata/resourceVersion", "value": "1"}]
    with pytest.raises(Invalid):
        await api.json_patch(*SUBJECT, old)
    found = await api.get(*SUBJECT)
    assert found is not None
    assert found["spec"]["weight"] == 40


def _patching(bench: Bench) -> Any:
    async def json_patch(*_: Any) -> Body:
        return bench.server.put(HTTP_ROUTES, {"metadata": {"name": NAME}, "spec": {"weight": 5}})

    return json_patch
