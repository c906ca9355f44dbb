"""Where the API server is: asked for again and again, and not forgotten when nobody answers."""

import asyncio
from typing import Any, cast

from resilience_operator.core.errors import TransientError
from resilience_operator.core.resources import Resource
from resilience_operator.probes.guard import AddressGuard
from resilience_operator.reach import (
    LOOK_AGAIN_SECONDS,
    api_server_addresses,
    follow_api_server,
)
from tests.fakes.clock import FakeClock

URL = "https://192.0.2.1:6443"


class Cluster:
    """The endpoints of the API server; None: it does not answer."""

    def __init__(self, *addresses: str) -> None:
        self.addresses: tuple[str, ...] | None = addresses
        self.asked = asyncio.Event()

    async def get(self, resource: Resource, namespace: str, name: str) -> dict[str, Any]:
        self.asked.set()
        if self.addresses is None:
            raise TransientError("no answer")
        return {"endpoints": [{"addresses": [each]} for each in self.addresses]}


async def test_the_address_in_use_and_all_endpoints_are_the_api_servers() -> None:
    cluster = cast(Any, Cluster("192.0.2.7", "192.0.2.8"))
    assert await api_server_addresses(cluster, URL) == ["192.0.2.1", "192.0.2.7", "192.0.2.8"]


async def test_the_guard_follows_the_api_server_to_other_machines() -> None:
    cluster, clock, guard = Cluster(), FakeClock(), AddressGuard(api_server=["192.0.2.1"])
    task = asyncio.ensure_future(
        follow_api_server(cast(Any, cluster), URL, guard, clock, ["192.0.2.1"])
    )

    async def refused_once(addresses: tuple[str, ...] | None) -> list[str]:
        cluster.addresses = addresses
        cluster.asked.clear()
        await clock.advance(LOOK_AGAIN_SECONDS)
        await asyncio.wait_for(cluster.asked.wait(), 10)  # the host is looked up in a thread
        await asyncio.sleep(0)
        return [each for each in ("192.0.2.1", "192.0.2.7", "192.0.2.8") if guard.refusal(each)]

    assert await refused_once(("192.0.2.7",)) == ["192.0.2.1", "192.0.2.7"]
    assert await refused_once(None) == ["192.0.2.1", "192.0.2.7"]
    assert await refused_once(("192.0.2.8",)) == ["192.0.2.1", "192.0.2.8"]
    task.cancel()
