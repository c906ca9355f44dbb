"""What the controller is given in its tests, each noting what was asked of it."""

from collections.abc import Hashable
from typing import Any, cast

from resilience_operator.actuators import FlagsConfigMap, PodRefresh
from resilience_operator.api.v1alpha1.level import DegradationLevel
from resilience_operator.api.v1alpha1.policy import ResiliencePolicy
from resilience_operator.controller.finalizer import Finalizer
from resilience_operator.controller.flag_effects import FlagEffects
from resilience_operator.controller.reconciler import Controller
from resilience_operator.controller.status_effects import StatusEffects
from resilience_operator.controller.store import Store
from resilience_operator.controller.subscriptions import Subscriptions
from resilience_operator.controller.trust_monitor import CurrentTrust
from resilience_operator.core.model import EventPlan, Key
from resilience_operator.core.resources import Resource
from resilience_operator.runtime.probing import ProbeTarget, Subscriber
from tests.fakes.clock import FakeClock
from tests.unit.actuators.fake_api import FakeApi

KEY = ("retail", "inventario")


class Cluster:
    """Takes writes; raises what `failures` has for a kind, by its plural."""

    def __init__(self, journal: list[str]) -> None:
        self.journal = journal
        self.failures: dict[str, Exception] = {}
        self.bodies: list[dict[str, Any]] = []

    async def apply(
        self, resource: Resource, namespace: str | None, name: str, body: dict[str, Any], **_: Any
    ) -> dict[str, Any]:
        return self._take(f"apply {resource.plural}/{name}", resource.plural, body)

    async def apply_status(
        self, resource: Resource, namespace: str | None, name: str, body: dict[str, Any], **_: Any
    ) -> dict[str, Any]:
        return self._take(f"status {resource.plural}/{name}", f"{resource.plural}/status", body)

    async def delete(self, resource: Resource, namespace: str | None, name: str) -> None:
        self._take(f"delete {resource.plural}/{name}", resource.plural, {})

    def _take(self, what: str, kind: str, body: dict[str, Any]) -> dict[str, Any]:
        self.journal.append(what)
        if failure := self.failures.get(kind):
            raise failure
        self.bodies.append(body)
        metadata = {"uid": "1e7e", "generation": 1, **body.get("metadata", {})}
        return {**body, "metadata": metadata}


class Api(FakeApi):
    """The actuators' part of the API server, in the same journal."""

    def __init__(self, journal: list[str]) -> None:
        super().__init__()
        self.journal = journal

    async def apply(self, resource: Resource, *args: Any, **kwargs: Any) -> dict[str, Any]:
        self.journal.append(f"flags {args[1]}")
        return await super().apply(resource, *args, **kwargs)


class Pool:
    """Knows who wants what, and by when."""

    def __init__(self) -> None:
        self.wanted: dict[Hashable, tuple[ProbeTarget, float | None]] = {}
        self.calls = 0

    def subscribe(
        self,
        subscription: Hashable,
        target: ProbeTarget,
        subscriber: Subscriber,
        first_due: float | None = None,
    ) -> None:
        self.calls += 1
        self.wanted[subscription] = (target, first_due)

    def unsubscribe(self, subscription: Hashable) -> None:
        del self.wanted[subscription]

    @property
    def names(self) -> list[str]:
        return [name for _, name in cast(list[tuple[Key, str]], list(self.wanted))]


class Alone:
    """Knows which levels may be without a policy."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def level_seen(self, level: DegradationLevel) -> None:
        self.told.append(level.name)

    def policy_gone(self, key: Key) -> None:
        self.told.append(key)


class Queue:
    """Keys that were added, and when they are to come again."""

    def __init__(self) -> None:
        self.keys: list[Key] = []
        self.later: list[tuple[Key, float]] = []

    def add(self, key: Key) -> None:
        self.keys.append(key)

    def add_at(self, key: Key, when: float) -> None:
        self.later.append((key, when))


class Observer:
    """Notes the name of every call with its arguments."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *args: self.calls.append((name, args))

    def of(self, name: str) -> list[tuple[Any, ...]]:
        return [args for each, args in self.calls if each == name]


class Announcer:
    """Events as they were announced."""

    def __init__(self, journal: list[str]) -> None:
        self.journal = journal
        self.events: list[EventPlan] = []
        self.levels: list[DegradationLevel | None] = []

    async def announce(
        self, policy: ResiliencePolicy, event: EventPlan, level: DegradationLevel | None
    ) -> None:
        self.journal.append(f"event {event.reason}")
        self.events.append(event)
        self.levels.append(level)


class Bench:
    """A controller with everything around it."""

    def __init__(self) -> None:
        self.journal: list[str] = []
        self.clock = FakeClock()
        self.store = Store()
        self.pool = Pool()
        self.queue = Queue()
        self.observer = Observer()
        self.cluster = Cluster(self.journal)
        self.api = Api(self.journal)
        self.announcer = Announcer(self.journal)
        flags = FlagsConfigMap(cast(Any, self.api))
        pods = PodRefresh(cast(Any, self.api))
        observer = cast(Any, self.observer)
        self.subscriptions = Subscriptions(self.store, self.pool, self.queue, self.clock)
        self.effects = FlagEffects(flags, pods, self.queue, observer, self.clock.now)
        self.undone: list[ResiliencePolicy] = []
        self.undoing_fails: Exception | None = None  # of rollouts
        self.finalizer = Finalizer(self.cluster, flags, pods, self._undo_rollout)
        self.rollouts = Queue()
        self.alone = Alone()
        self.controller = Controller(
            store=self.store,
            subscriptions=self.subscriptions,
            flags=self.effects,
            statuses=StatusEffects(self.cluster),
            finalizer=self.finalizer,
            announcer=self.announcer,
            observer=observer,
            queue=self.queue,
            rollouts=self.rollouts,
            trust=CurrentTrust(),
            alone=self.alone,
            now=self.clock.now,
        )

    async def _undo_rollout(self, policy: ResiliencePolicy) -> None:
        if self.undoing_fails is not None:
            raise self.undoing_fails
        self.undone.append(policy)

    async def reconcile(self) -> list[str]:
        """One pass; what it asked of the API server, in order."""
        del self.journal[:]
        await self.controller.reconcile(KEY)
        return list(self.journal)

    def deliver(self, results: Any, *names: str) -> None:
        """Results of the same kind (`healthy`, `unhealthy`) for dependencies, now."""
        for name in names:
            self.subscriptions.deliver((KEY, name), results(self.clock.now()))
