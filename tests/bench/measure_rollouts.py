"""Many rollouts at once, against a real API server and etcd on this machine.

The canaries get their next version spread over the time of one step, and in a second measurement
all in the same moment, which is the worst there is. A step is due when its predecessor has held
for as long as the spec says, counted from `status.rollout.stepStartedAt`; it is done when the watch
of the route brings its weight. What lies between is the lateness.

Before the operator starts, a bare client makes the two writes of a step (a status and a weight) for
as many policies and routes: what this API server needs for that is the least that a moment in which
all are due can take.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from e2e.cluster.controlplane import Audit, ControlPlane
from tests.bench import policies, server
from tests.bench.measure_start import api_server, writes_of
from tests.bench.process import Memory, Operator, wait_until
from tests.bench.rollouts import WEIGHTS, Stage, Story
from tests.bench.rounds import table
from tests.integration.custom_resources import Api
from tests.integration.routes import install_routes

USER = "bench-operator"
_REQUESTS = "resilience_api_requests_total"
_LIMIT = 600.0
_STEADY_SECONDS = 30.0


@dataclass(frozen=True)
class Lateness:
    """Of so many steps, in seconds."""

    count: int
    middle: float
    p99: float
    greatest: float
    within_a_second: float  # the share, from 0 to 1

    @classmethod
    def of(cls, values: list[float]) -> "Lateness":
        """Of at least one value."""
        ordered = sorted(values)
        last = len(ordered) - 1
        return cls(
            count=len(ordered),
            middle=ordered[last // 2],
            p99=ordered[round(0.99 * last)],
            greatest=ordered[-1],
            within_a_second=sum(value <= 1.0 for value in ordered) / len(ordered),
        )


@dataclass(frozen=True)
class Figures:
    """All that is measured."""

    rollouts: int
    bare_seconds: float  # a bare client's two writes for each of as many, all in one moment
    hold_seconds: int
    spread_seconds: float
    first: Lateness  # the first weight, from when the canary's pods were ready
    later: Lateness  # every later one, from when it was due
    took: float  # from the release to the last success
    due: float  # what the steps themselves take of that
    cpu_seconds: float
    memory: Memory
    writes: int
    requests: Mapping[str, float]
    steady_cpu_percent: float  # all rollouts over, only probes
    steady_writes: int
    steady_reads: float


def measure(count: int, hold_seconds: int, spread_seconds: float) -> Figures:
    """Everything, in some minutes."""
    with server.running() as ports, api_server(Audit.WRITES) as plane:
        admin = Api(plane.kubeconfig)
        install_routes(admin)
        admin.close()
        return asyncio.run(_measure(plane, ports.tcp, count, hold_seconds, spread_seconds))


async def _measure(plane: ControlPlane, port: int, count: int, hold: int, spread: float) -> Figures:
    async with policies.client(plane.kubeconfig) as api:
        stage = Stage(api, count, hold, port)
        print(f"  making {count} of everything …", flush=True)
        await stage.build()
        bare_seconds = await stage.written_bare()
        identity = plane.kubeconfig_for(USER, groups=["system:masters"])
        async with stage.played():
            operator = Operator(plane.processes, identity, {})
            try:
                return await _released(plane, identity, operator, stage, hold, spread, bare_seconds)
            finally:
                await asyncio.to_thread(operator.stop)


async def _released(
    plane: ControlPlane,
    identity: Path,
    operator: Operator,
    stage: Stage,
    hold: int,
    spread: float,
    bare_seconds: float,
) -> Figures:
    count = len(stage.stories)
    await asyncio.to_thread(policies.until_rollouts_rest, identity, count, _LIMIT)
    print("  releasing …", flush=True)
    writes, cpu, began = writes_of(plane, USER), operator.cpu_seconds(), time.time()
    before = await asyncio.to_thread(operator.scrape)
    await stage.release(spread)
    await asyncio.to_thread(wait_until, partial(_all_over, stage), _LIMIT)
    took, cpu = time.time() - began, operator.cpu_seconds() - cpu
    writes = writes_of(plane, USER) - writes
    after = await asyncio.to_thread(operator.scrape)
    memory = operator.memory()
    print("  steady state …", flush=True)
    await asyncio.sleep(10.0)
    resting, calm = writes_of(plane, USER), await asyncio.to_thread(operator.scrape)
    calm_cpu, calm_at = operator.cpu_seconds(), time.monotonic()
    await asyncio.sleep(_STEADY_SECONDS)
    calm_cpu = (operator.cpu_seconds() - calm_cpu) / (time.monotonic() - calm_at)
    later = await asyncio.to_thread(operator.scrape)
    asked, earlier = after.by_label(_REQUESTS, "verb", "resource"), before
    known = earlier.by_label(_REQUESTS, "verb", "resource")
    stories = list(stage.stories.values())
    return Figures(
        rollouts=count,
        bare_seconds=bare_seconds,
        hold_seconds=hold,
        spread_seconds=spread,
        first=Lateness.of([_weight_at(s, WEIGHTS[0]) - s.ready_at for s in stories]),
        later=Lateness.of([late for s in stories for late in _lateness(s, hold)]),
        took=took,
        due=hold * len(WEIGHTS) + spread,
        cpu_seconds=cpu,
        memory=memory,
        writes=writes,
        requests={name: value - known.get(name, 0.0) for name, value in asked.items()},
        steady_cpu_percent=100 * calm_cpu,
        steady_writes=writes_of(plane, USER) - resting,
        steady_reads=later.total(_REQUESTS, verb="get")
        + later.total(_REQUESTS, verb="list")
        - calm.total(_REQUESTS, verb="get")
        - calm.total(_REQUESTS, verb="list"),
    )


def _lateness(story: Story, hold: int) -> list[float]:
    """How late each weight after the first one was."""
    return [
        _weight_at(story, weight) - (story.started[step] + hold)
        for step, weight in enumerate(WEIGHTS[1:], 1)
    ]


def _weight_at(story: Story, weight: int) -> float:
    return next(at for found, at in story.weights if found == weight)


def _all_over(stage: Stage) -> bool:
    return all(story.succeeded_at for story in stage.stories.values())


def report(figures: Figures) -> str:
    """The table, and what was asked of the API server."""
    f = figures
    rows = [
        ("begun", f"over {f.spread_seconds:.0f} s" if f.spread_seconds else "in one moment"),
        ("rollouts at once, steps", f"{f.rollouts}, {len(WEIGHTS)} of {f.hold_seconds} s"),
        ("a bare client's two writes for each, in one moment", f"{f.bare_seconds:.1f} s"),
        ("first weight, after the canary is ready", _late(f.first)),
        ("every later weight, after it was due", _late(f.later)),
        ("later weights within 1 s of being due", f"{100 * f.later.within_a_second:.1f} %"),
        ("from the release to the last success", f"{f.took:.1f} s, {f.due:.0f} s of them due"),
        (
            "CPU in that time",
            f"{f.cpu_seconds:.1f} s, {100 * f.cpu_seconds / f.took:.0f} % of a core",
        ),
        ("writes in that time", f"{f.writes}, {f.writes / f.rollouts:.1f} for each rollout"),
        ("memory, RSS (PSS)", f"{f.memory.rss:.0f} ({f.memory.pss:.0f}) MiB"),
        ("all over: CPU", f"{f.steady_cpu_percent:.0f} % of a core"),
        ("all over: writes, reads in 30 s", f"{f.steady_writes}, {f.steady_reads:.0f}"),
    ]
    largest = sorted(f.requests.items(), key=lambda each: -each[1])[:10]
    asked = ", ".join(f"{name} {value:.0f}" for name, value in largest if value)
    return f"{table(('what', 'measured'), rows)}\n\nRequests to the API server: {asked}"


def _late(found: Lateness) -> str:
    return f"p50 {found.middle:.2f} s, p99 {found.p99:.2f} s, most {found.greatest:.2f} s"
