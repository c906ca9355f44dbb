"""Memory and start-up with many policies, against a real API server and etcd on this machine.

Three starts: without policies, the first with them (every status, flag and level is still to be
written), and one after that (nothing is to be written). Then a first start at the default write
rate, on another API server. The server's audit log says what was written.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import yaml

from e2e.cluster.client import ApiError
from e2e.cluster.controlplane import Audit, ControlPlane
from tests.bench import policies, server
from tests.bench.process import Memory, Operator, wait_until

CRDS = Path(__file__).parents[2] / "crds"
USER = "bench-operator"
FAST = {"RESILIENCE_WRITE_QPS": "10000", "RESILIENCE_WRITE_BURST": "10000"}
CALM_SECONDS = 20.0
STEADY_SECONDS = 30.0
_CRD_PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_START_LIMIT = 60.0
_LEVELS_LIMIT = 900.0
_LAG = "resilience_probe_schedule_lag_seconds"
_RESULTS = "resilience_probe_results_total"
_REQUESTS = "resilience_api_requests_total"


@dataclass(frozen=True)
class Start:
    """One start: seconds from the start of the process; CPU seconds until all was done."""

    metrics_after: float
    probed_after: float | None = None  # every dependency asked once
    levels_after: float | None = None  # every policy has a level in its status
    cpu_seconds: float | None = None
    writes: int | None = None  # by the audit log, leases left out
    requests: dict[str, float] | None = None


@dataclass(frozen=True)
class Steady:
    """Half a minute in which nothing happens but probes."""

    cpu_percent: float
    probes_per_second: float
    lag_p50: float
    lag_p99: float
    failed: int  # probes that did not succeed: on a machine too busy to run us, some time out
    writes: int


@dataclass(frozen=True)
class Figures:
    """All that is measured."""

    policies: int
    import_seconds: float  # a Python that imports the operator's modules and ends
    created_in: float  # seconds to create the policies: one write each
    empty: Start
    empty_memory: Memory
    first: Start
    again: Start
    memory: Memory
    steady: Steady
    default: Start


def measure(count: int) -> Figures:
    """Everything, in several minutes."""
    with server.running() as ports:
        with api_server() as plane:
            _say("no policies")
            empty, empty_memory = _empty(plane)
            _say(f"creating {count} policies")
            created_in = asyncio.run(policies.create(plane.kubeconfig, count, ports))
            _say("first start, writes not held back")
            operator, first = _start(plane, ports, count, FAST, fresh=True)
            operator.stop()
            _say("start again, nothing to write")
            operator, again = _start(plane, ports, count, FAST, fresh=False)
            _say("steady state")
            memory, steady = _steady(plane, operator)
            operator.stop()
        with api_server() as plane:
            asyncio.run(policies.create(plane.kubeconfig, count, ports))
            _say("first start at the default write rate")
            operator, default = _start(plane, ports, count, {}, fresh=True)
            operator.stop()
    return Figures(
        policies=count,
        import_seconds=_import_seconds(),
        created_in=created_in,
        empty=empty,
        empty_memory=empty_memory,
        first=first,
        again=again,
        memory=memory,
        steady=steady,
        default=default,
    )


@contextmanager
def api_server(audit: Audit = Audit.WRITES) -> Iterator[ControlPlane]:
    """An API server with our CRDs."""
    with ControlPlane(audit=audit) as plane:
        definitions = sorted(CRDS.glob("resilience*.yaml"))
        for path in definitions:
            body = yaml.safe_load(path.read_text())
            plane.client.create(_CRD_PATH, body)
        for path in definitions:
            group, _, plural = path.stem.rpartition("_")
            collection = f"/apis/{group}/v1alpha1/{plural}"
            wait_until(partial(_served, plane, collection), 30.0)
        yield plane


def _served(plane: ControlPlane, collection: str) -> bool:
    try:
        plane.client.request("GET", collection)
    except ApiError:
        return False
    return True


def _identity(plane: ControlPlane) -> Path:
    return plane.kubeconfig_for(USER, groups=["system:masters"])


def _empty(plane: ControlPlane) -> tuple[Start, Memory]:
    operator = Operator(plane.processes, _identity(plane), FAST)
    wait_until(operator.answers, _START_LIMIT, 0.02)
    start = Start(metrics_after=operator.elapsed())
    time.sleep(CALM_SECONDS)
    memory = operator.memory()
    operator.stop()
    return start, memory


def _start(
    plane: ControlPlane,
    ports: server.Ports,
    count: int,
    settings: Mapping[str, str],
    *,
    fresh: bool,
) -> tuple[Operator, Start]:
    """Start the operator and wait for all probes and, at a first start, for all levels."""
    server.ask(ports, "forget")
    before = writes_of(plane, USER)
    operator = Operator(plane.processes, _identity(plane), settings)
    wait_until(operator.answers, _START_LIMIT, 0.02)
    metrics_after = operator.elapsed()
    levels_after = None
    if fresh:
        done = asyncio.run(policies.until_levels(plane.kubeconfig, count, _LEVELS_LIMIT))
        levels_after = done - operator.started
    wanted = count * policies.DEPENDENCIES
    wait_until(lambda: server.ask(ports).distinct >= wanted, _LEVELS_LIMIT, 0.25)
    probed_after = server.ask(ports).last_new_at - operator.started
    cpu = operator.cpu_seconds()
    time.sleep(CALM_SECONDS)  # what follows on the first results is done
    return operator, Start(
        metrics_after=metrics_after,
        probed_after=probed_after,
        levels_after=levels_after,
        cpu_seconds=cpu,
        writes=writes_of(plane, USER) - before,
        requests=operator.scrape().by_label(_REQUESTS, "verb", "resource"),
    )


def _steady(plane: ControlPlane, operator: Operator) -> tuple[Memory, Steady]:
    writes, earlier = writes_of(plane, USER), operator.scrape()
    cpu, began = operator.cpu_seconds(), time.monotonic()
    time.sleep(STEADY_SECONDS)
    cpu, took = operator.cpu_seconds() - cpu, time.monotonic() - began
    memory, later = operator.memory(), operator.scrape()
    probes = later.total(_RESULTS) - earlier.total(_RESULTS)
    healthy = later.total(_RESULTS, verdict="Healthy") - earlier.total(_RESULTS, verdict="Healthy")
    return memory, Steady(
        cpu_percent=100 * cpu / took,
        probes_per_second=probes / took,
        lag_p50=later.quantile_since(earlier, _LAG, 0.5),
        lag_p99=later.quantile_since(earlier, _LAG, 0.99),
        failed=round(probes - healthy),
        writes=writes_of(plane, USER) - writes,
    )


def writes_of(plane: ControlPlane, user: str) -> int:
    """What the operator has written so far, its lease left out."""
    return sum(
        event["user"]["username"] == user and event.get("objectRef", {}).get("resource") != "leases"
        for event in plane.audit_events()
    )


def _import_seconds() -> float:
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "import resilience_operator.main"], check=True)
    return time.monotonic() - began


def _say(what: str) -> None:
    print(f"  {what} …", file=sys.stderr, flush=True)
