"""Who may write; what the API server makes of requests is proved by the integration tests."""

import asyncio
from typing import Any, cast

import pytest

from resilience_operator.core.errors import TransientError
from resilience_operator.core.resources import CONFIG_MAPS
from resilience_operator.kube.client import KubeClient
from resilience_operator.kube.connection import Request
from resilience_operator.kube.pacing import TokenBucket
from tests.fakes.clock import FakeClock


class Connection:
    """Answers everything, and notes the methods."""

    def __init__(self) -> None:
        self.methods: list[str] = []

    async def send(self, request: Request) -> bytes:
        self.methods.append(request.method)
        return b"{}"


async def test_who_may_not_write_any_more_reads_and_sends_nothing_else() -> None:
    connection, may = Connection(), True
    client = KubeClient(cast(Any, connection), may_write=lambda: may)
    bucket = TokenBucket(FakeClock(), rate=1.0, burst=100)
    for each in (client, client.paced(bucket)):
        may = True
        await each.merge_patch(CONFIG_MAPS, "retail", "flags", {})
        may = False
        await each.get(CONFIG_MAPS, "retail", "flags")
        with pytest.raises(TransientError, match="may not lead"):
            await each.merge_patch(CONFIG_MAPS, "retail", "flags", {})
        with pytest.raises(TransientError, match="may not lead"):
            await each.delete(CONFIG_MAPS, "retail", "flags")
    assert connection.methods == ["PATCH", "GET", "PATCH", "GET"]


async def test_the_right_is_looked_at_after_the_wait_for_the_pace() -> None:
    clock, connection, may = FakeClock(), Connection(), True
    bucket = TokenBucket(clock, rate=1.0, burst=1)
    client = KubeClient(cast(Any, connection), bucket, may_write=lambda: may)
    await client.merge_patch(CONFIG_MAPS, "retail", "flags", {})
    waiting = asyncio.ensure_future(client.merge_patch(CONFIG_MAPS, "retail", "flags", {}))
    await asyncio.sleep(0)
    may = False
    await clock.advance(1.0)
    with pytest.raises(TransientError):
        await waiting
    assert connection.methods == ["PATCH"]
