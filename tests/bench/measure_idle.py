"""Memory of an operator with little to do: ten policies of the reference's four dependencies.

PostgreSQL, Redis, an S3 server and the demo's OpenAI stand-in are real and on this machine. Each
policy is in a namespace of its own with Secrets of its own, so no two share a probe, and every
library that a probe needs is loaded.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from e2e.chart import idle
from e2e.cluster.controlplane import ControlPlane
from tests.bench.measure_start import api_server
from tests.bench.process import Memory, Operator, wait_until
from tests.bench.rounds import table
from tests.integration.operator.servers import redis_server
from tests.integration.probes.postgres_servers import postgres_servers
from tests.integration.probes.processes import free_port, running, wait_for_port
from tests.integration.probes.s3_server import BUCKET, s3_server

USER = "bench-operator"
# The servers have the API server's address, which probes must not reach unless it is named.
SETTINGS = {"RESILIENCE_GUARD_ALLOW": "127.0.0.1"}
CALM_SECONDS = 60.0
_READY_LIMIT = 120.0
_API_KEY = "bench-openai-key"
_PATHS = {
    "Namespace": "/api/v1/namespaces",
    "Secret": "/api/v1/namespaces/{namespace}/secrets",
    "ResiliencePolicy": (
        "/apis/resilience.aidrive.dev/v1alpha1/namespaces/{namespace}/resiliencepolicies"
    ),
}

Body = dict[str, Any]


@dataclass(frozen=True)
class Idle:
    """What the process takes a while after all is known, and the most it has ever taken."""

    policies: int
    memory: Memory
    peak: float
    cpu_percent: float


@dataclass(frozen=True)
class Servers:
    """Where the dependencies are, in place of the demo's addresses and credentials."""

    endpoints: dict[str, str]  # of the probe, by dependency
    secrets: dict[str, dict[str, str]]


def measure() -> Idle:
    """Two minutes."""
    with _servers() as servers, api_server() as plane:
        for body in idle.namespaces():
            _create(plane, body)
        for body in idle.policies():
            _create(plane, _here(body, servers))
        kubeconfig = plane.kubeconfig_for(USER, groups=["system:masters"])
        operator = Operator(plane.processes, kubeconfig, SETTINGS)
        wait_until(partial(_all_known, plane), _READY_LIMIT, 0.5)
        cpu, began = operator.cpu_seconds(), time.monotonic()
        time.sleep(CALM_SECONDS)
        cpu, took = operator.cpu_seconds() - cpu, time.monotonic() - began
        found = Idle(len(idle.PLACES), operator.memory(), operator.peak(), 100 * cpu / took)
        operator.stop()
    return found


def report(found: Idle) -> str:
    """The table."""
    rows = [
        ("memory, RSS (PSS)", f"{found.memory.rss:.0f} MiB ({found.memory.pss:.0f})"),
        ("the most it has had, RSS", f"{found.peak:.0f} MiB"),
        ("CPU", f"{found.cpu_percent:.1f} % of a core"),
    ]
    return table((f"{found.policies} policies", "measured"), rows)


@contextmanager
def _servers() -> Iterator[Servers]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        s3 = stack.enter_context(s3_server(folder))
        redis = stack.enter_context(redis_server("bench-redis-password"))
        postgres = stack.enter_context(postgres_servers())
        port = stack.enter_context(_openai(folder))
        yield Servers(
            {"openai": f"http://127.0.0.1:{port}/v1", "s3": s3.endpoint},
            {
                "openai": {"api-key": _API_KEY},
                "pg": {"dsn": postgres.dsn()},
                "redis": {"url": redis.url},
                "s3": {"access-key-id": s3.access, "secret-access-key": s3.secret},
            },
        )


@contextmanager
def _openai(folder: Path) -> Iterator[int]:
    port, log = free_port(), folder / "openai.log"
    settings = ("env", f"OPENAI_API_KEY={_API_KEY}", f"PORT={port}")
    command = [*settings, sys.executable, "-m", "e2e.demo.openai_stub"]
    with running(command, log) as process:
        wait_for_port(process, port, log)
        yield port


def _here(body: Body, servers: Servers) -> Body:
    """The object with this machine's servers in it."""
    if body["kind"] == "Secret":
        return {**body, "stringData": servers.secrets[body["metadata"]["name"]]}
    for dependency in body["spec"]["dependencies"]:
        probe = dependency["probe"]
        if dependency["name"] == "openai":
            probe["openai"]["baseURL"] = servers.endpoints["openai"]
        elif dependency["name"] == "s3":
            probe["s3"] |= {"endpoint": servers.endpoints["s3"], "bucket": BUCKET}
    return body


def _create(plane: ControlPlane, body: Body) -> None:
    path = _PATHS[body["kind"]].format(namespace=body["metadata"].get("namespace"))
    plane.client.create(path, body)


def _all_known(plane: ControlPlane) -> bool:
    path = "/apis/resilience.aidrive.dev/v1alpha1/resiliencepolicies"
    found = [one.get("status", {}) for one in plane.client.request("GET", path)["items"]]
    well = [one for one in found if one.get("scored") == "4/4" and one.get("health") == 100]
    return len(well) == len(idle.PLACES)
