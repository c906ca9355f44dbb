"""The policies of the start benchmark: made on the API server, and watched until they have levels.

Each has the reference's four dependencies at the default pace, every one with a host of its own:
two asked by HTTP, two by TCP.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from resilience_operator.core.resources import NAMESPACES, POLICIES
from resilience_operator.kube.client import KubeClient
from resilience_operator.kube.connection import connect
from resilience_operator.runtime.clock import SystemClock
from tests.bench.server import Ports

NAMESPACE = "bench"
DEPENDENCIES = 4
_AT_ONCE = 16
_HOSTS_PER_NET = 250


@asynccontextmanager
async def client(kubeconfig: Path) -> AsyncIterator[KubeClient]:
    """A client of that identity."""
    connection = await connect(SystemClock(), kubeconfig)
    try:
        yield KubeClient(connection)
    finally:
        await connection.close()


async def create(kubeconfig: Path, count: int, ports: Ports) -> float:
    """Create the policies, some at once; returns the seconds that it took."""
    async with client(kubeconfig) as api:
        await api.create(NAMESPACES, None, {"metadata": {"name": NAMESPACE}})
        numbers = iter(range(count))

        async def work() -> None:
            for number in numbers:
                await api.create(POLICIES, NAMESPACE, _policy(number, ports))

        began = time.monotonic()
        await asyncio.gather(*(work() for _ in range(_AT_ONCE)))
        return time.monotonic() - began


async def until_levels(kubeconfig: Path, count: int, seconds: float) -> float:
    """Watch until so many policies have a level in their status; the monotonic time of the last."""
    with_level: set[str] = set()
    async with asyncio.timeout(seconds), client(kubeconfig) as api:
        version = "0"
        async for page in api.pages(POLICIES, NAMESPACE):
            version = page["metadata"]["resourceVersion"]
            with_level.update(_named(item) for item in page["items"] if _has_level(item))
        while len(with_level) < count:
            stream = api.watch_from(POLICIES, NAMESPACE, None, version, round(seconds))
            with suppress(StopAsyncIteration):
                async for _, item in stream:
                    version = item["metadata"]["resourceVersion"]
                    if _has_level(item):
                        with_level.add(_named(item))
                    if len(with_level) == count:
                        break
    return time.monotonic()


def until_rollouts_rest(kubeconfig: Path, count: int, seconds: float) -> None:
    """Wait until so many policies have nothing to roll out."""

    async def wait() -> None:
        async with asyncio.timeout(seconds), client(kubeconfig) as api:
            while True:
                items = await api.list(POLICIES, NAMESPACE)
                if sum(_rests(item) for item in items) == count:
                    return
                await asyncio.sleep(0.5)

    asyncio.run(wait())


def _rests(item: dict[str, Any]) -> bool:
    status = item.get("status", {})
    return bool(status.get("level")) and status.get("rollout", {}).get("reason") == "UpToDate"


def _policy(number: int, ports: Ports) -> dict[str, Any]:
    hosts = []
    for i in range(DEPENDENCIES):
        block, last = divmod(number * DEPENDENCIES + i, _HOSTS_PER_NET)
        hosts.append(f"127.{1 + block // 250}.{block % 250}.{last + 1}")
    probes: list[dict[str, Any]] = [
        {"http": {"url": f"http://{hosts[0]}:{ports.http}/health"}},
        {"tcp": {"address": f"{hosts[1]}:{ports.tcp}"}},
        {"tcp": {"address": f"{hosts[2]}:{ports.tcp}"}},
        {"http": {"url": f"http://{hosts[3]}:{ports.http}/health"}},
    ]
    names = (("openai", 50), ("postgres", 30), ("redis", 15), ("s3", 5))
    return {
        "metadata": {"name": f"policy-{number}"},
        "spec": {
            "dependencies": [
                {"name": name, "weight": weight, "probe": probe}
                for (name, weight), probe in zip(names, probes, strict=True)
            ],
            "features": [
                {
                    "name": "ai_recommendations",
                    "states": {"OPTIMAL": "on", "LIMITED": "cached", "MINIMAL": "off"},
                    "requires": ["openai"],
                    "whenUnavailable": "cached",
                },
                {"name": "checkout", "states": {"OPTIMAL": "on", "EMERGENCY": "off"}},
                {"name": "search", "states": {"OPTIMAL": "full", "LIMITED": "basic"}},
            ],
            "flags": {"configMapName": f"policy-{number}-flags"},
        },
    }


def _has_level(item: dict[str, Any]) -> bool:
    return bool(item.get("status", {}).get("level"))


def _named(item: dict[str, Any]) -> str:
    return str(item["metadata"]["name"])
