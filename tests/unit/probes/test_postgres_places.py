"""Where a connection string of several hosts leads to."""

import asyncio
import socket
from types import SimpleNamespace
from typing import Any

import pytest

from resilience_operator.api.v1alpha1.base import SecretKeyRef
from resilience_operator.api.v1alpha1.probes import PostgresProbe
from resilience_operator.probes.dial import Endpoint
from resilience_operator.probes.dsn import parse_dsn
from resilience_operator.probes.guard import AddressRefused
from resilience_operator.probes.postgres import Postgres


class Dialler:
    """Answers once all three have been asked for."""

    def __init__(self, *wrong: str, fault: Exception | None = None) -> None:
        self.wrong = wrong
        self.fault = fault or AddressRefused("loopback")
        self.barrier = asyncio.Barrier(3)

    async def addresses(self, endpoint: Endpoint) -> list[Any]:
        await self.barrier.wait()
        if endpoint.host in self.wrong:
            raise self.fault
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"192.0.2.{ord(endpoint.host)}", 0))]


async def places(dialler: Dialler) -> list[tuple[str, str, str]]:
    spec = PostgresProbe(dsn_secret_ref=SecretKeyRef(name="pg", key="dsn"))
    kit: Any = SimpleNamespace(dialler=dialler)
    async with asyncio.timeout(5):
        return await Postgres(spec, kit)._places(parse_dsn("host=a,b,c port=1,2,3 user=u"))


async def test_all_hosts_are_looked_up_at_once_and_stay_in_their_order() -> None:
    assert await places(Dialler("b")) == [("a", "192.0.2.97", "1"), ("c", "192.0.2.99", "3")]


async def test_none_is_a_failure_and_a_fault_is_not_hidden_by_the_others() -> None:
    with pytest.raises(AddressRefused):
        await places(Dialler("a", "b", "c"))
    with pytest.raises(KeyError):
        await places(Dialler("b", fault=KeyError("a bug")))
