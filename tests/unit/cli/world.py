"""A cluster in memory with one policy in trouble, and the command line on it."""

import asyncio
import copy
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from click.testing import CliRunner, Result

from resilience_operator.cli.app import cli
from resilience_operator.cli.session import Session, Target
from resilience_operator.core.errors import ApiError, Conflict
from resilience_operator.core.resources import LEVELS, POLICIES, Resource
from resilience_operator.core.times import from_rfc3339

NOW = from_rfc3339("2026-11-24T12:00:00Z") or 0.0
ANNOTATION = "resilience.aidrive.dev/rollout"
Object = dict[str, Any]


class HastyClock:
    """Time passes by being waited for; `each` is called after every wait."""

    def __init__(self) -> None:
        self.time = NOW
        self.each: Callable[[float], None] = lambda now: None

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds
        await asyncio.sleep(0)
        self.each(self.time)


class FakeCluster:
    """Objects by kind and name, all in namespace retail unless they say otherwise."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], Object] = {}
        self.patches: list[tuple[str, str, Object]] = []
        self.fails: ApiError | None = None
        self.conflicts = 0
        self.events: list[Object] = []  # that there are
        self.news: list[Object] = []  # that a watch reports

    def add(self, resource: Resource, body: Object) -> Object:
        body = copy.deepcopy(body)
        body["metadata"] = {
            "namespace": "retail",
            "uid": "u",
            "generation": 1,
            "resourceVersion": "7",
            **body["metadata"],
        }
        self.objects[resource.plural, body["metadata"]["name"]] = body
        return body

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Object | None:
        self._fail()
        found = self.objects.get((resource.plural, name))
        if found is None or found["metadata"]["namespace"] != namespace:
            return None
        return copy.deepcopy(found)

    async def list(
        self,
        resource: Resource,
        namespace: str | None = None,
        label_selector: str | None = None,
    ) -> list[Object]:
        self._fail()
        if resource.plural == "events":
            return copy.deepcopy(self.events)
        return [
            copy.deepcopy(body)
            for (plural, _), body in self.objects.items()
            if plural == resource.plural and namespace in (None, body["metadata"]["namespace"])
        ]

    async def pages(
        self,
        resource: Resource,
        namespace: str | None = None,
        label_selector: str | None = None,
        limit: int = 500,
    ) -> AsyncIterator[Object]:
        yield {"metadata": {"resourceVersion": "7"}, "items": []}

    async def watch_from(
        self,
        resource: Resource,
        namespace: str | None,
        label_selector: str | None,
        version: str,
        seconds: int,
    ) -> AsyncIterator[tuple[str, Object]]:
        for event in self.news:
            yield "ADDED", event

    async def merge_patch(
        self, resource: Resource, namespace: str | None, name: str, body: Object
    ) -> Object:
        self._fail()
        if self.conflicts:
            self.conflicts -= 1
            raise Conflict("the object has been modified")
        self.patches.append((resource.plural, name, body))
        found = self.objects[resource.plural, name]
        merge(found, body)
        found["metadata"]["generation"] += "spec" in body
        return copy.deepcopy(found)

    def _fail(self) -> None:
        if self.fails is not None:
            raise self.fails


def merge(into: Object, patch: Object) -> None:
    """A merge patch, carried out."""
    for key, value in patch.items():
        if value is None:
            into.pop(key, None)
        elif isinstance(value, dict):
            merge(into.setdefault(key, {}), value)
        else:
            into[key] = value


class World:
    """The cluster, its time, and what the command line says of it."""

    def __init__(self) -> None:
        self.cluster = FakeCluster()
        self.clock = HastyClock()

    def target(self) -> Target:
        """The way into this cluster."""

        @asynccontextmanager
        async def opener(target: Target) -> AsyncIterator[Session]:
            nothing: Any = None  # no inquiry is made here
            yield Session(self.cluster, nothing, target.namespace or "retail", "ana", self.clock)

        return Target(opener=opener)

    def run(self, *words: str) -> Result:
        """Run the command line; whatever it does, it never ends in a traceback."""
        result = CliRunner().invoke(cli, words, obj=self.target())
        assert result.exception is None or isinstance(result.exception, SystemExit), result.output
        return result

    def policy(self, rollout: Object | None = None, **spec: Any) -> Object:
        """A policy whose AI API is down; with a rollout if there is a status of one."""
        body = copy.deepcopy(POLICY)
        body["spec"].update(spec)
        if rollout is not None:
            body["spec"].setdefault("rollout", ROLLOUT)
            body["status"]["rollout"] = rollout
        return self.cluster.add(POLICIES, body)

    def level(self, name: str = "inventario", **spec: Any) -> Object:
        """Its level."""
        body = copy.deepcopy(LEVEL)
        body["metadata"]["name"] = name
        body["spec"].update(spec)
        return self.cluster.add(LEVELS, body)

    def operator(self, *statuses: Object, takes: bool = True) -> None:
        """One that takes the verb at the first look and shows one status after another."""
        left = list(statuses)

        def turn(now: float) -> None:
            body = self.cluster.objects["resiliencepolicies", "inventario"]
            if takes:
                body["metadata"].get("annotations", {}).pop(ANNOTATION, None)
            if left:
                body["status"]["rollout"] = left.pop(0)

        self.clock.each = turn

    def level_operator(self, obeys: bool = True, name: str = "inventario") -> None:
        """One that sees a level's spec at the first look, and goes by it unless it cannot."""

        def turn(now: float) -> None:
            body = self.cluster.objects["degradationlevels", name]
            spec, status = body["spec"], body["status"]
            override, freeze = spec.get("override"), spec.get("freeze")
            status["observedGeneration"] = body["metadata"]["generation"]
            if override and obeys:
                status["level"] = override["level"]
            held = {
                "Overridden": override is not None,
                "Frozen": freeze is not None and override is None and "level" in status,
            }
            status["conditions"] = [
                condition(type_, str(holds and obeys), type_, "") for type_, holds in held.items()
            ]

        self.clock.each = turn


def condition(type_: str, status: str, reason: str, message: str) -> Object:
    return {
        "type": type_,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": "2026-11-24T11:55:00Z",
    }


POLICY: Object = {
    "metadata": {"name": "inventario"},
    "spec": {"mode": "Enforce", "dependencies": []},
    "status": {
        "observedGeneration": 1,
        "level": "LIMITED",
        "health": 50,
        "limitingDependency": "openai",
        "scored": "2/3",
        "dependencies": [
            {
                "name": "openai",
                "state": "Down",
                "health": 0,
                "breaker": {"state": "Open", "openedAt": "2026-11-24T11:55:00Z"},
                "failureReason": "RateLimited",
                "message": "429 [too many] requests",
                "latencyP95Milliseconds": 310,
                "since": "2026-11-24T11:54:00Z",
            },
            {
                "name": "postgres",
                "state": "Healthy",
                "health": 100,
                "latencyP95Milliseconds": 4,
                "since": "2026-11-20T12:00:00Z",
            },
            {"name": "s3", "state": "Unknown", "failureReason": "SecretMissing"},
        ],
        "conditions": [
            condition("Ready", "False", "SecretMissing", "Secret s3 is not there."),
            condition("FlagsApplied", "True", "Applied", "The flags are written."),
            condition("DependenciesHealthy", "False", "DependencyDown", "openai is down."),
        ],
    },
}
LEVEL: Object = {
    "metadata": {"name": "inventario"},
    "spec": {"policyRef": {"name": "inventario"}},
    "status": {
        "level": "LIMITED",
        "computedLevel": "LIMITED",
        "health": 50,
        "since": "2026-11-24T11:54:00Z",
        "limitingDependency": "openai",
        "conditions": [condition("Stale", "True", "Stale", "s3 has not answered for too long.")],
    },
}
ROLLOUT: Object = {
    "stable": {"deployment": "dashboard", "service": "dashboard"},
    "canary": {"deployment": "dashboard-canary", "service": "dashboard-canary"},
    "traffic": {"httpRoute": {"name": "dashboard"}},
}
PROGRESSING: Object = {
    "phase": "Progressing",
    "step": 2,
    "weight": 25,
    "revision": "0123456789abcdef",
    "startedAt": "2026-11-24T10:00:00Z",
    "stepStartedAt": "2026-11-24T11:30:00Z",
    "heldSeconds": 600,
    "reason": "Progressing",
    "message": "Step 2 of 3: version 01234567 has 25 % of the traffic.",
    "metrics": [
        {
            "name": "error-rate",
            "verdict": "Passing",
            "stable": "1.02 %",
            "canary": "0.98 %",
            "evidence": "mSPRT p=1, 12,400 requests",
        },
        {"name": "p95", "verdict": "TooFewSamples", "evidence": "3 looks"},
    ],
    "history": [
        {
            "revision": "fedcba9876543210",
            "result": "RolledBack",
            "attribution": "VersionFault",
            "reason": "MetricWorse",
            "startedAt": "2026-11-23T10:00:00Z",
            "endedAt": "2026-11-23T11:05:00Z",
            "step": 1,
        }
    ],
}
HELD: Object = {
    **PROGRESSING,
    "phase": "Held",
    "attribution": "DependencyFault",
    "heldSince": "2026-11-24T11:50:00Z",
    "holdCountsSince": "2026-11-24T11:50:00Z",
    "reason": "DependencyFault",
    "message": "openai is down and both versions are as bad.",
}
