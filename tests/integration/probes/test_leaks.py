"""Hundreds of probes of every type leave nothing open but what is meant to be kept."""

import asyncio
import os
from collections.abc import Callable

import pytest

from resilience_operator.api.v1alpha1.base import SecretKeyRef, SecretRef
from resilience_operator.api.v1alpha1.probes import (
    AnyProbe,
    Connection,
    HttpProbe,
    OpenAIProbe,
    PostgresProbe,
    RedisProbe,
    S3Mode,
    S3Probe,
    TcpProbe,
)
from resilience_operator.core.model import Verdict
from tests.integration.probes.conftest import NAMESPACE, Bench
from tests.integration.probes.postgres_servers import PostgresServers
from tests.integration.probes.processes import eventually
from tests.integration.probes.redis_servers import RedisServers
from tests.integration.probes.s3_server import BUCKET, S3Server
from tests.integration.probes.stubs import http_server, raw_server, silence
from tests.integration.probes.test_http import answering

RUNS = 200
ABSENT = 1  # a port where nothing listens


def open_sockets() -> int:
    """Sockets of this process; the servers in it are closed when this is compared."""
    count = 0
    for name in os.listdir("/proc/self/fd"):
        try:
            count += os.readlink(f"/proc/self/fd/{name}").startswith("socket:")
        except FileNotFoundError:
            continue
    return count


def http_probe(port: int, **fields: object) -> HttpProbe:
    return HttpProbe(url=f"http://127.0.0.1:{port}/", **fields)


def openai_probe(port: int) -> OpenAIProbe:
    return OpenAIProbe(
        base_url=f"http://127.0.0.1:{port}/v1",
        api_key_secret_ref=SecretKeyRef(name="openai", key="api-key"),
    )


def postgres_probe(**fields: object) -> PostgresProbe:
    return PostgresProbe(dsn_secret_ref=SecretKeyRef(name="pg", key="dsn"), **fields)


def redis_probe() -> RedisProbe:
    return RedisProbe(url_secret_ref=SecretKeyRef(name="redis", key="url"))


def s3_probe(endpoint: str) -> S3Probe:
    return S3Probe(
        endpoint=endpoint,
        bucket=BUCKET,
        credentials_secret_ref=SecretRef(name="s3"),
        mode=S3Mode.CANARY_OBJECT,
    )


async def run_all(bench: Bench, spec: AnyProbe, verdict: Verdict, timeout_seconds: float) -> None:
    slots = asyncio.Semaphore(20)

    async def one() -> None:
        async with slots:
            result = await bench.ask(spec, timeout_seconds)
            assert result.verdict is verdict, result

    await asyncio.gather(*(one() for _ in range(RUNS)))


async def check(
    bench: Bench, spec: AnyProbe, verdict: Verdict, kept: int, timeout_seconds: float = 20
) -> None:
    """Run it once, then many times; compare what is open, before and after forgetting it."""
    sockets, tasks = open_sockets(), len(asyncio.all_tasks())
    await run_all(bench, spec, verdict, timeout_seconds)
    await eventually(lambda: open_sockets() <= sockets + kept)
    await eventually(lambda: len(asyncio.all_tasks()) <= tasks)
    await bench.prober.forget(NAMESPACE, spec)
    await bench.prober.aclose()
    await eventually(lambda: open_sockets() <= sockets)
    assert not bench.faults


@pytest.fixture
def filled(bench: Bench, postgres: PostgresServers, redis: RedisServers, s3: S3Server) -> Bench:
    bench.secrets.put("pg", dsn=postgres.dsn())
    bench.secrets.put("redis", url=redis.url())
    bench.secrets.put("s3", access_key_id=s3.access, secret_access_key=s3.secret)
    bench.secrets.put("openai", api_key="canary")
    return bench


async def test_postgres(filled: Bench) -> None:
    await check(filled, postgres_probe(), Verdict.HEALTHY, kept=1)


async def test_postgres_whose_query_fails(filled: Bench) -> None:
    await check(filled, postgres_probe(query="SELECT 1/0"), Verdict.UNHEALTHY, kept=0)


async def test_redis(filled: Bench) -> None:
    await check(filled, redis_probe(), Verdict.HEALTHY, kept=1)


async def test_s3(filled: Bench, s3: S3Server) -> None:
    await check(filled, s3_probe(s3.endpoint), Verdict.HEALTHY, kept=20)


@pytest.mark.parametrize(
    "make",
    [
        lambda port: http_probe(port),
        lambda port: http_probe(port, connection=Connection.FRESH),
        lambda port: http_probe(port, body_regexp="ok"),
        lambda port: TcpProbe(address=f"127.0.0.1:{port}"),
    ],
)
async def test_http_and_tcp(bench: Bench, make: Callable[[int], AnyProbe]) -> None:
    async with http_server(answering()) as port:
        sockets = open_sockets()
        spec = make(port)
        await run_all(bench, spec, Verdict.HEALTHY, 20)
        # Both ends of a connection are in this process.
        await eventually(lambda: open_sockets() <= sockets + 2 * 20)
        await bench.prober.aclose()
        await eventually(lambda: open_sockets() <= sockets)


Use = Callable[[Bench, int], AnyProbe]


def _postgres_at(bench: Bench, port: int) -> AnyProbe:
    bench.secrets.put("pg", dsn=f"host=127.0.0.1 port={port} user=u password=p")
    return postgres_probe()


def _redis_at(bench: Bench, port: int) -> AnyProbe:
    bench.secrets.put("redis", url=f"redis://127.0.0.1:{port}")
    return redis_probe()


def _s3_at(bench: Bench, port: int) -> AnyProbe:
    bench.secrets.put("s3", access_key_id="a", secret_access_key="s")
    return s3_probe(f"http://127.0.0.1:{port}")


def _openai_at(bench: Bench, port: int) -> AnyProbe:
    bench.secrets.put("openai", api_key="k")
    return openai_probe(port)


EVERY_TYPE: list[Use] = [
    _postgres_at,
    _redis_at,
    _s3_at,
    _openai_at,
    lambda bench, port: http_probe(port),
    lambda bench, port: http_probe(port, connection=Connection.FRESH),
]


@pytest.mark.parametrize("use", EVERY_TYPE)
async def test_refusals(bench: Bench, use: Use) -> None:
    await check(bench, use(bench, ABSENT), Verdict.UNHEALTHY, kept=0)


@pytest.mark.parametrize("use", EVERY_TYPE)
async def test_timeouts(bench: Bench, use: Use) -> None:
    async with raw_server(silence) as port:
        spec = use(bench, port)
        sockets = open_sockets()
        await run_all(bench, spec, Verdict.UNHEALTHY, 0.1)
        await bench.prober.forget(NAMESPACE, spec)
        await eventually(lambda: open_sockets() <= sockets)


@pytest.mark.parametrize("use", EVERY_TYPE)
async def test_cancellations(bench: Bench, use: Use) -> None:
    async with raw_server(silence) as port:
        spec = use(bench, port)
        await bench.ask(spec, 0.1)
        await bench.prober.forget(NAMESPACE, spec)
        sockets = open_sockets()
        tasks = [asyncio.create_task(bench.ask(spec, 60)) for _ in range(50)]
        await eventually(lambda: open_sockets() >= sockets + 50)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert all(task.cancelled() for task in tasks)
        await bench.prober.forget(NAMESPACE, spec)
        await eventually(lambda: open_sockets() <= sockets)
