"""Probes per CPU-second through the whole chain, beside a bare client on the same servers.

Rounds of the two alternate, so that a neighbour who takes the machine for a while takes it from
both. Only the CPU time of this process counts; the servers have processes of their own.
"""

import asyncio
import gc
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import uvloop

from e2e.cluster import ports as free_ports
from resilience_operator.api.v1alpha1.base import SecretKeyRef
from resilience_operator.api.v1alpha1.probes import HttpProbe, ProbeSpec, RedisProbe, TcpProbe
from resilience_operator.runtime import collector
from tests.bench import bare, server
from tests.bench.chain import Chain, Load
from tests.bench.rounds import Spread, table

CONCURRENCY = 64
"""Probes in flight, and workers of the bare client."""

PROBES = 4000
"""Asked once a second each, which is more than the chain can do: it is never idle."""

WARM_UP_SECONDS = 1.0
BARE_WARM_UP_SECONDS = 0.5
ROUND_SECONDS = 3.0


@dataclass(frozen=True)
class Contest:
    """One line of the table."""

    name: str
    load: Load
    bare: Callable[[], AbstractAsyncContextManager[bare.Workers]]


@dataclass(frozen=True)
class Result:
    """Answers per CPU-second. With shared probes an answer is one that a policy gets."""

    name: str
    chain: Spread
    bare: Spread
    ratio: Spread
    probes_per_second: float  # of wall time, for orientation


def measure(rounds: int) -> list[Result]:
    """All contests."""
    collector.calm_down()  # as the operator's main does; the bare clients gain by it too
    with server.running() as ports, _redis() as redis_port:
        results = []
        for contest in _contests(ports, redis_port):
            print(f"  {contest.name} …", file=sys.stderr, flush=True)
            results.append(uvloop.run(_contest(contest, rounds)))
        return results


def report(results: list[Result]) -> str:
    """The table."""
    head = ("what", "chain, per CPU-s", "bare client, per CPU-s", "chain / bare", "probes/s")
    rows = [
        (
            r.name,
            r.chain.text(),
            r.bare.text(),
            r.ratio.text(2),
            f"{r.probes_per_second:,.0f}",
        )
        for r in results
    ]
    return table(head, rows)


def as_json(results: list[Result]) -> list[dict[str, Any]]:
    """For `--json`."""
    return [asdict(result) for result in results]


def _contests(ports: server.Ports, redis_port: int | None) -> Iterator[Contest]:
    urls = [f"http://127.0.0.1:{ports.http}/{i}" for i in range(PROBES)]
    hosts = [(f"127.1.{i // 250}.{i % 250 + 1}", ports.tcp) for i in range(PROBES)]

    def http_probe(i: int) -> ProbeSpec:
        return _every_second(http=HttpProbe(url=urls[i]))

    def tcp_probe(i: int) -> ProbeSpec:
        return _every_second(tcp=TcpProbe(address="{}:{}".format(*hosts[i])))

    def redis_probe(i: int) -> ProbeSpec:
        ref = SecretKeyRef(name=f"redis-{i}", key="url")
        return _every_second(redis=RedisProbe(url_secret_ref=ref))

    http = Load("http", http_probe, PROBES)
    yield Contest("HTTP", http, lambda: bare.http(urls, CONCURRENCY))
    tcp = Load("tcp", tcp_probe, PROBES)
    yield Contest("TCP", tcp, lambda: bare.tcp(hosts, CONCURRENCY))
    if redis_port is not None:
        secret = {"url": f"redis://127.0.0.1:{redis_port}".encode()}
        redis = Load("redis", redis_probe, PROBES, secrets=secret)
        yield Contest("Redis PING", redis, lambda: bare.redis(redis_port, CONCURRENCY))
    shared = Load("http", http_probe, 100, shared_by=100)
    yield Contest(
        "HTTP, each probe shared by 100 policies", shared, lambda: bare.http(urls, CONCURRENCY)
    )


def _every_second(**probe: Any) -> ProbeSpec:
    # The CRD would not let the timeout be longer than the interval; a machine that is too busy
    # to run us for a second would turn into failures of the servers.
    return ProbeSpec(interval_seconds=1, timeout_seconds=10, **probe)


async def _contest(contest: Contest, rounds: int) -> Result:
    chain: list[float] = []
    plain: list[float] = []
    walls: list[float] = []
    for _ in range(rounds):
        async with _chain(contest.load) as one:
            # The first ones load, connect, allocate.
            while one.finished() < contest.load.probes:  # noqa: ASYNC110 - counted by the chain
                await asyncio.sleep(0.1)
            finished, cpu, wall = await _window(one.finished, WARM_UP_SECONDS)
            chain.append(finished * contest.load.shared_by / cpu)
            walls.append(finished / wall)
        async with contest.bare() as workers, workers.running():
            finished, cpu, _ = await _window(workers.finished, BARE_WARM_UP_SECONDS)
            plain.append(finished / cpu)
    return Result(
        contest.name,
        Spread.of(chain),
        Spread.of(plain),
        Spread.of([a / b for a, b in zip(chain, plain, strict=True)]),
        Spread.of(walls).middle,
    )


@asynccontextmanager
async def _chain(load: Load) -> AsyncIterator[Chain]:
    chain = Chain(load, CONCURRENCY)
    async with chain.running():
        yield chain


async def _window(count: Callable[[], int], warm_up: float) -> tuple[int, float, float]:
    """What is finished in one window, with its CPU time and wall time."""
    await asyncio.sleep(warm_up)
    gc.collect()
    finished, cpu, wall = count(), time.process_time(), time.monotonic()
    await asyncio.sleep(ROUND_SECONDS)
    cpu, wall = time.process_time() - cpu, time.monotonic() - wall
    return count() - finished, cpu, wall


@contextmanager
def _redis() -> Iterator[int | None]:
    """The port of a Redis of our own; None where there is no redis-server."""
    binary = shutil.which("redis-server")
    if binary is None:
        yield None
        return
    [port] = free_ports.free(1)
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    child = subprocess.Popen([binary, *options], stdout=subprocess.DEVNULL)
    try:
        time.sleep(0.5)
        yield port
    finally:
        child.terminate()
        child.wait(20)
