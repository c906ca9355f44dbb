"""Servers for the probes to ask, and a prober that may dial this machine."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field

import pytest
import uvloop

from resilience_operator.api.v1alpha1.probes import AnyProbe
from resilience_operator.core.model import ProbeResult
from resilience_operator.probes.guard import AddressGuard
from resilience_operator.probes.prober import InternalProbeError, Prober
from tests.integration.probes.postgres_servers import PostgresServers, postgres_servers
from tests.integration.probes.redis_servers import RedisServers, redis_servers
from tests.integration.probes.s3_server import S3Server, s3_server

NAMESPACE = "retail"


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The event loop that the operator runs on."""
    return {"uvloop": uvloop.new_event_loop}


@dataclass
class Secrets:
    """Secrets of the namespace, in memory, and how often each was read."""

    data: dict[str, dict[str, bytes]] = field(default_factory=dict)
    reads: int = 0

    async def read(self, namespace: str, name: str) -> Mapping[str, bytes] | None:
        assert namespace == NAMESPACE
        self.reads += 1
        return self.data.get(name)

    def put(self, name: str, **values: str) -> None:
        self.data[name] = {key.replace("_", "-"): v.encode() for key, v in values.items()}


@dataclass
class Bench:
    """A prober with its Secrets, a clock to set, and the faults it reported."""

    prober: Prober
    secrets: Secrets
    faults: list[InternalProbeError]
    clock: list[float]

    async def ask(self, spec: AnyProbe, timeout_seconds: float = 10) -> ProbeResult:
        return await self.prober.probe(NAMESPACE, spec, timeout_seconds)

    def advance(self, seconds: float) -> None:
        self.clock[0] += seconds


BenchFactory = Callable[..., Bench]


@pytest.fixture
async def make_bench() -> AsyncIterator[BenchFactory]:
    benches: list[Bench] = []

    def make(guard: AddressGuard | None = None, control_name: str | None = "localhost") -> Bench:
        secrets, faults, clock = Secrets(), [], [0.0]
        prober = Prober(
            secrets,
            guard or AddressGuard(allow=["127.0.0.0/8"]),
            lambda: time.time() + clock[0],
            on_internal_error=faults.append,
            control_name=control_name,
        )
        benches.append(Bench(prober, secrets, faults, clock))
        return benches[-1]

    yield make
    for bench in benches:
        await bench.prober.aclose()


@pytest.fixture
def bench(make_bench: BenchFactory) -> Bench:
    return make_bench()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServers]:
    with postgres_servers() as servers:
        yield servers


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServers]:
    with redis_servers(tmp_path_factory.mktemp("redis")) as servers:
        yield servers


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with s3_server(tmp_path_factory.mktemp("s3")) as server:
        yield server
