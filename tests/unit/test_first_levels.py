"""What a new leader sees first, and what it does where it is not allowed to look."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from resilience_operator.core.errors import Forbidden, TransientError
from resilience_operator.core.resources import Resource
from resilience_operator.first_levels import ROLE_SECONDS, hand_over_levels
from tests.fakes.clock import FakeClock
from tests.unit.test_handlers import Sink


class Cluster:
    """One level in each namespace; `failures` are those of a namespace, one after the other."""

    def __init__(self) -> None:
        self.unserved = 0
        self.failures: dict[str | None, list[Exception]] = {}

    async def serves(self, resource: Resource) -> bool:
        self.unserved -= 1
        return self.unserved < 0

    async def pages(self, resource: Resource, namespace: str | None) -> AsyncIterator[Any]:
        if failures := self.failures.get(namespace):
            raise failures.pop(0)
        metadata = {"namespace": namespace or "retail", "name": namespace or "all", "uid": "1e7e"}
        yield {"items": [{"metadata": metadata, "spec": {"policyRef": {"name": "inventario"}}}]}


def begin(
    cluster: Cluster, clock: FakeClock, sink: Sink, *namespaces: str | None
) -> asyncio.Future[None]:
    return asyncio.ensure_future(hand_over_levels(cast(Any, cluster), clock, namespaces, sink))


async def test_levels_are_waited_for_until_they_can_be_shown() -> None:
    cluster, clock, sink = Cluster(), FakeClock(), Sink()
    cluster.unserved = 2
    cluster.failures[None] = [TransientError("no answer")]
    task = begin(cluster, clock, sink, None)
    await clock.advance(60)
    await task
    assert sink.told == [("level", "all")]


async def test_a_namespace_whose_role_is_gone_keeps_the_others_waiting_for_a_while_only(
    caplog: pytest.LogCaptureFixture,
) -> None:
    cluster, clock, sink = Cluster(), FakeClock(), Sink()
    cluster.failures["closed"] = [Forbidden("no role")] * 1000
    cluster.failures["late"] = [Forbidden("no role yet")]
    task = begin(cluster, clock, sink, "late", "closed", "retail")
    await clock.advance(ROLE_SECONDS - 5)
    assert not task.done()
    await clock.advance(10)
    await task
    assert sink.told == [("level", "late"), ("level", "retail")]
    assert "namespace closed is not looked after: no role" in caplog.text


async def test_an_operator_without_any_right_ends() -> None:
    cluster, clock, sink = Cluster(), FakeClock(), Sink()
    cluster.failures[None] = [Forbidden("no role")]
    with pytest.raises(Forbidden):
        await begin(cluster, clock, sink, None)
