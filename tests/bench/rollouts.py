"""The rollouts of the benchmark: made on the API server, and what is played for want of nodes.

The Deployment controller reports every replica as ready, the gateway accepts every route; both at
once, on a watch. What a route's weights were and when is noted as the watch brings it.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from resilience_operator.core.errors import ApiError
from resilience_operator.core.resources import (
    DEPLOYMENTS,
    HTTP_ROUTES,
    NAMESPACES,
    POLICIES,
    SERVICES,
    Resource,
)
from resilience_operator.core.times import from_rfc3339
from resilience_operator.kube.client import KubeClient
from resilience_operator.kube.watch import Watcher
from resilience_operator.runtime.clock import SystemClock

NAMESPACE = "bench"
WEIGHTS = (5, 25, 100)
_AT_ONCE = 32
_BARE = "bench-bare"
_PLAYER = "bench-player"


@dataclass
class Story:
    """One rollout as it was seen from outside; times are seconds since the epoch."""

    ready_at: float = 0.0  # the canary's pods are of the new version
    weights: list[tuple[int, float]] = field(default_factory=list)  # as the route had them
    started: dict[int, float] = field(default_factory=dict)  # each step, by the status
    succeeded_at: float = 0.0


class Stage:
    """Everything but the operator."""

    def __init__(self, api: KubeClient, count: int, hold_seconds: int, tcp_port: int) -> None:
        self.stories = {f"shop-{number}": Story() for number in range(count)}
        self._api = api
        self._hold = hold_seconds
        self._tcp_port = tcp_port
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def build(self) -> None:
        """Deployments, Services, routes and policies, with nothing to roll out."""
        await self._api.create(NAMESPACES, None, {"metadata": {"name": NAMESPACE}})
        await self._all(self._build(number, name) for number, name in enumerate(self.stories))

    async def written_bare(self) -> float:
        """Seconds for a status and a weight of every rollout, by a client that does nothing else.

        All is as before afterwards.
        """
        began = time.perf_counter()
        await self._all(self._write_bare(name) for name in self.stories)
        took = time.perf_counter() - began
        await self._all(self._write_back(name) for name in self.stories)
        return took

    async def _write_bare(self, name: str) -> None:
        rollout = {"phase": "Progressing", "step": 1, "weight": 5, "message": "m" * 100}
        body = {
            "apiVersion": POLICIES.api_version,
            "kind": POLICIES.kind,
            "metadata": {"name": name, "namespace": NAMESPACE},
            "status": {"rollout": rollout},
        }
        async with self._slots:
            await self._api.apply_status(POLICIES, NAMESPACE, name, body, _BARE)
            await self._api.json_patch(HTTP_ROUTES, NAMESPACE, name, [_weight_of_canary(5)])

    async def _write_back(self, name: str) -> None:
        async with self._slots:
            await self._api.apply_status(POLICIES, NAMESPACE, name, {}, _BARE)
            await self._api.json_patch(HTTP_ROUTES, NAMESPACE, name, [_weight_of_canary(0)])

    async def release(self, spread_seconds: float) -> None:
        """Give every canary its next version, evenly over so long; 0: all at once."""
        pause = spread_seconds / len(self.stories)
        await self._all(
            self._release(name, number * pause) for number, name in enumerate(self.stories)
        )

    async def _release(self, name: str, pause: float) -> None:
        await asyncio.sleep(pause)
        path, value = "/spec/template/spec/containers/0/image", "shop:2"
        operations = [{"op": "replace", "path": path, "value": value}]
        async with self._slots:
            await self._api.json_patch(DEPLOYMENTS, NAMESPACE, f"{name}-canary", operations)

    @asynccontextmanager
    async def played(self) -> AsyncIterator[None]:
        """What is played, and noted, while the block runs."""
        tasks = [
            asyncio.create_task(self._follow(resource, react))
            for resource, react in (
                (DEPLOYMENTS, self._deployment),
                (HTTP_ROUTES, self._route),
                (POLICIES, self._policy),
            )
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(
        self, resource: Resource, react: Callable[[dict[str, Any]], Awaitable[None]]
    ) -> None:
        running: set[asyncio.Task[None]] = set()
        async for _, body in Watcher(self._api, SystemClock(), resource, NAMESPACE).events():
            if body:
                task = asyncio.ensure_future(react(body))
                running.add(task)  # type: ignore[arg-type]
                task.add_done_callback(running.discard)  # type: ignore[arg-type]

    async def _deployment(self, live: dict[str, Any]) -> None:
        name, wanted = live["metadata"]["name"], live["spec"]["replicas"]
        keys = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
        status = {
            "observedGeneration": live["metadata"]["generation"],
            **dict.fromkeys(keys, wanted),
        }
        if {key: live.get("status", {}).get(key) for key in status} == status:
            return
        await self._status(DEPLOYMENTS, name, status)
        story = self.stories[name.removesuffix("-canary")]
        image = live["spec"]["template"]["spec"]["containers"][0]["image"]
        if name.endswith("-canary") and image == "shop:2" and not story.ready_at:
            story.ready_at = time.time()

    async def _route(self, live: dict[str, Any]) -> None:
        name, generation = live["metadata"]["name"], live["metadata"]["generation"]
        weight = live["spec"]["rules"][0]["backendRefs"][1]["weight"]
        weights = self.stories[name].weights
        if not weights or weights[-1][0] != weight:
            weights.append((weight, time.time()))
        parents = live.get("status", {}).get("parents") or [{"conditions": []}]
        seen = [each["observedGeneration"] for each in parents[0]["conditions"]]
        if seen == [generation]:
            return
        accepted = {
            "type": "Accepted",
            "status": "True",
            "reason": "Accepted",
            "message": "",
            "observedGeneration": generation,
            "lastTransitionTime": "2026-11-24T00:00:00Z",
        }
        parent = {
            "parentRef": live["spec"]["parentRefs"][0],
            "controllerName": "example.com/gateway",
            "conditions": [accepted],
        }
        await self._status(HTTP_ROUTES, name, {"parents": [parent]})

    async def _policy(self, live: dict[str, Any]) -> None:
        status = live.get("status", {}).get("rollout", {})
        story = self.stories[live["metadata"]["name"]]
        started = from_rfc3339(status.get("stepStartedAt"))
        if started is not None:
            story.started[status["step"]] = started
        if status.get("phase") == "Succeeded" and not story.succeeded_at:
            story.succeeded_at = time.time()

    async def _status(self, resource: Resource, name: str, status: dict[str, Any]) -> None:
        try:
            await self._api.apply_status(resource, NAMESPACE, name, {"status": status}, _PLAYER)
        except ApiError as error:
            print(f"  {resource.plural}/{name}: {error.message}", flush=True)

    async def _build(self, number: int, name: str) -> None:
        async with self._slots:
            await self._make(number, name)

    async def _make(self, number: int, name: str) -> None:
        for arm in (name, f"{name}-canary"):
            await self._api.create(DEPLOYMENTS, NAMESPACE, _deployment(arm))
            spec = {"selector": {"app": arm}, "ports": [{"port": 80}]}
            await self._api.create(SERVICES, NAMESPACE, {"metadata": {"name": arm}, "spec": spec})
        await self._api.create(HTTP_ROUTES, NAMESPACE, _route(name))
        await self._api.create(POLICIES, NAMESPACE, self._manifest(number, name))

    def _manifest(self, number: int, name: str) -> dict[str, Any]:
        block, last = divmod(number, 250)
        address = f"127.1.{block}.{last + 1}:{self._tcp_port}"
        steps = [{"weight": weight, "holdSeconds": self._hold} for weight in WEIGHTS]
        return {
            "metadata": {"name": name},
            "spec": {
                "dependencies": [
                    {"name": "postgres", "weight": 100, "probe": {"tcp": {"address": address}}}
                ],
                "rollout": {
                    "stable": {"deployment": name, "service": name},
                    "canary": {"deployment": f"{name}-canary", "service": f"{name}-canary"},
                    "traffic": {"httpRoute": {"name": name}},
                    "steps": steps,
                },
            },
        }

    async def _all(self, work: Iterable[Awaitable[Any]]) -> None:
        await asyncio.gather(*work)


def _deployment(name: str) -> dict[str, Any]:
    labels = {"app": name}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "app", "image": "shop:1"}]},
    }
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    return {"metadata": {"name": name}, "spec": spec}


def _weight_of_canary(weight: int) -> dict[str, Any]:
    path = "/spec/rules/0/backendRefs/1/weight"
    return {"op": "replace", "path": path, "value": weight}


def _route(name: str) -> dict[str, Any]:
    backends = [
        {"name": name, "port": 80, "weight": 100},
        {"name": f"{name}-canary", "port": 80, "weight": 0},
    ]
    spec = {"parentRefs": [{"name": "gate"}], "rules": [{"backendRefs": backends}]}
    return {"metadata": {"name": name}, "spec": spec}
