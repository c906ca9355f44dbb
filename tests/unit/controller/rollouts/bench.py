"""The worker with everything around it faked: the API server, the figures, time, the queue."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, cast

from resilience_operator.api.v1alpha1.base import ROLLOUT_ANNOTATION, Level
from resilience_operator.api.v1alpha1.policy import Mode, ResiliencePolicy
from resilience_operator.api.v1alpha1.policy_status import PolicyStatus
from resilience_operator.api.v1alpha1.rollout import HttpCheck, Rollout
from resilience_operator.api.v1alpha1.rollout_status import RolloutStatus
from resilience_operator.controller.rollouts.beginnings import Beginnings
from resilience_operator.controller.rollouts.gather import Gatherer
from resilience_operator.controller.rollouts.interest import Interest
from resilience_operator.controller.rollouts.looks import Looks
from resilience_operator.controller.rollouts.mirror import Mirror, Present
from resilience_operator.controller.rollouts.rivals import Rivals
from resilience_operator.controller.rollouts.worker import RolloutWorker
from resilience_operator.controller.rollouts.writes import RolloutWrites
from resilience_operator.controller.store import Store
from resilience_operator.core.errors import Forbidden, Invalid
from resilience_operator.core.model import Key, LevelState, Trust
from resilience_operator.core.resources import DEPLOYMENTS, HTTP_ROUTES, POLICIES, Resource
from resilience_operator.core.rollout.model import CheckView, MetricView, RolloutEvent
from tests.builders import make_policy
from tests.fakes.clock import FakeClock
from tests.unit.actuators.traffic.objects import (
    Body,
    Objects,
    backend,
    http_route,
    parent_status,
    rule,
)
from tests.unit.controller.fakes import Observer, Queue
from tests.unit.core.rollout.world import make_rollout

KEY = ("retail", "inventario")
STABLE, CANARY = "dashboard", "dashboard-canary"


class Server(Objects):
    """Counts what is asked; a gateway accepts every weight at once."""

    def __init__(self) -> None:
        super().__init__(STABLE, CANARY)
        self.asked: list[str] = []
        self.refuse_patch_of = ""  # a kind

    async def get(self, resource: Resource, namespace: str, name: str) -> Body | None:
        self.asked.append(f"get {resource.plural}/{name}")
        return await super().get(resource, namespace, name)

    async def list(
        self, resource: Resource, namespace: str | None = None, label_selector: str | None = None
    ) -> list[Body]:
        self.asked.append(f"list {resource.plural}")
        return await super().list(resource, namespace, label_selector)

    async def json_patch(
        self, resource: Resource, namespace: str, name: str, operations: Sequence[Mapping[str, Any]]
    ) -> Body:
        if self.refuse_patch_of == resource.kind:
            raise Forbidden("no", status=403)
        try:
            stored = await super().json_patch(resource, namespace, name, operations)
        except KeyError as error:
            raise Invalid("there is no such field", status=422) from error
        if resource == HTTP_ROUTES:
            return accept(self, name)
        return stored

    @property
    def weights(self) -> tuple[int, int]:
        backends = self.live(HTTP_ROUTES, "dashboard")["spec"]["rules"][0]["backendRefs"]
        return backends[0]["weight"], backends[1]["weight"]


def accept(server: Objects, name: str) -> Body:
    """Have the gateway report the route's present generation."""
    live = server.live(HTTP_ROUTES, name)
    generation = live["metadata"]["generation"]
    live["status"] = {"parents": [parent_status("edge", generation, Accepted="True")]}
    return live


def deployment(name: str, version: str) -> Body:
    """Rolled out, with two pods."""
    counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    labels = {"app": name}
    container = {"name": "app", "image": f"shop:{version}"}
    return {
        "metadata": {"name": name},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
        "status": {"observedGeneration": 1, **dict.fromkeys(counts, 2)},
    }


class Statuses:
    """Takes statuses, or raises `failure`."""

    def __init__(self) -> None:
        self.bodies: list[Body] = []
        self.of: dict[str, Body] = {}
        self.failure: Exception | None = None

    async def apply_status(
        self, resource: Resource, namespace: str, name: str, body: Body, **_: Any
    ) -> Body:
        if self.failure is not None:
            raise self.failure
        self.bodies.append(body["status"])
        self.of[name] = body["status"]
        return body


class Sources:
    """Figures that do not come before `answer` is set, and checks that `checking` holds up."""

    def __init__(self) -> None:
        self.answer = asyncio.Event()
        self.answer.set()
        self.failure: Exception | None = None
        self.windows: list[int] = []
        self.views: dict[str, MetricView] = {}
        self.checked: list[str] = []
        self.checking = asyncio.Event()
        self.checking.set()
        self.passes = True
        self.passes_next: list[bool] = []  # before `passes` counts

    async def metrics(
        self, namespace: str, rollout: Rollout, window_seconds: int
    ) -> Mapping[str, MetricView]:
        self.windows.append(window_seconds)
        await self.answer.wait()
        if self.failure is not None:
            raise self.failure
        return self.views

    async def check(self, namespace: str, check: HttpCheck) -> CheckView:
        self.checked.append(check.name)
        await self.checking.wait()
        passes = self.passes_next.pop(0) if self.passes_next else self.passes
        return CheckView(check.name, passes)


class Told:
    """Events, as they were announced."""

    def __init__(self) -> None:
        self.events: list[RolloutEvent] = []

    def announce(self, policy: ResiliencePolicy, event: RolloutEvent) -> None:
        self.events.append(event)

    @property
    def reasons(self) -> list[str]:
        return [event.reason for event in self.events]


class Bench:
    """One policy with a rollout, both arms at version 1 unless told otherwise."""

    def __init__(self, spec: Rollout | None = None, version: str = "2") -> None:
        self.clock = FakeClock()
        self.server = Server()
        self.statuses, self.sources, self.told = Statuses(), Sources(), Told()
        self.queue, self.observer = Queue(), Observer()
        self.store = Store()
        self.spec = spec or make_rollout()
        self.server.put(DEPLOYMENTS, deployment(STABLE, "1"))
        self.server.put(DEPLOYMENTS, deployment(CANARY, version))
        self.server.put(HTTP_ROUTES, http_route(rule(backend(STABLE, 100), backend(CANARY, 0))))
        accept(self.server, "dashboard")
        self.mirror = Mirror(self.server)
        self.interest = Interest(lambda _: (), self.queue.add, self.mirror)
        self.looks = Looks(self.sources, self.clock.now, self.queue.add, lambda: None)
        self.beginnings = Beginnings(8.0)
        self.worker = self.make_worker()
        self.see()

    def make_worker(self) -> RolloutWorker:
        """Another one, as after a restart."""
        present = Present(self.mirror, self.server)
        rivals = Rivals(self.mirror, self.queue.add)
        return RolloutWorker(
            store=self.store,
            gatherer=Gatherer(self.mirror, self.clock.now, Trust, rivals),
            looks=self.looks,
            writes=RolloutWrites(cast(Any, self.statuses), present, self.clock.now),
            announcer=self.told,
            observer=cast(Any, self.observer),
            interest=self.interest,
            rivals=rivals,
            beginnings=self.beginnings,
            queue=self.queue,
            now=self.clock.now,
        )

    def see(
        self,
        verb: str | None = None,
        *,
        spec: Rollout | None = None,
        no_rollout: bool = False,
        status: RolloutStatus | None = None,
        **changes: Any,
    ) -> ResiliencePolicy:
        """Have the watch show the policy."""
        policy = make_policy().build()
        wanted = None if no_rollout else spec or self.spec
        mode = changes.pop("mode", Mode.ENFORCE)
        new_spec = policy.spec.model_copy(update={"rollout": wanted, "mode": mode})
        shown = policy.model_copy(
            update={
                "spec": new_spec,
                "rollout_verb": verb,
                "status": PolicyStatus(rollout=status),
                **changes,
            }
        )
        entry = self.store.put_policy(shown)
        since = self.clock.now() - 3600.0
        entry.level_states[shown.name] = LevelState(level=Level.OPTIMAL, since=since)
        return shown

    def annotate(self, verb: str | None) -> None:
        """What the policy's annotation says on the API server."""
        annotations = {} if verb is None else {ROLLOUT_ANNOTATION: verb}
        metadata = {"name": KEY[1], "annotations": annotations}
        self.server.put(POLICIES, {"metadata": metadata, "spec": {}})

    async def turn(self, times: int = 1, seconds: float = 1.0, *others: Key) -> None:
        """So many decisions, some time apart; of other policies' rollouts as well."""
        for _ in range(times):
            for key in (KEY, *others):
                await self.worker.reconcile(key)
            await self.clock.settle()
            await self.clock.advance(seconds)

    @property
    def status(self) -> RolloutStatus:
        """As it was last written."""
        return RolloutStatus.model_validate(self.statuses.bodies[-1]["rollout"])

    def status_of(self, key: Key) -> RolloutStatus:
        """The same of one policy of several."""
        return RolloutStatus.model_validate(self.statuses.of[key[1]]["rollout"])
