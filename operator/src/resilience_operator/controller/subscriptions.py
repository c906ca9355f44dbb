"""Keeps the probe pool's subscriptions in step with a policy's spec, and takes the results in.

A dependency whose probe has changed starts from an empty window: what was learnt of the old
address says nothing of the new one, but its health, and that it is down, stand in until the new one
has been probed.
"""

from collections.abc import Hashable
from typing import Protocol, cast

from resilience_operator.api.v1alpha1.policy import Dependency
from resilience_operator.api.v1alpha1.policy_status import BreakerPhase
from resilience_operator.controller.store import Entry, Store
from resilience_operator.core.evidence import assess, begin, next_probe_at, observe
from resilience_operator.core.model import Evidence, Key, ProbeResult
from resilience_operator.core.resumption import renew, restore
from resilience_operator.core.targets import probe_key, typed
from resilience_operator.runtime.clock import Clock
from resilience_operator.runtime.probing import ProbeTarget, Subscriber

Subscription = tuple[Key, str]
"""A policy, and the name of one of its dependencies."""

_IDLE_SECONDS = 3600.0


class Pool(Protocol):
    """The probe pool, as far as the controller needs it."""

    def subscribe(
        self,
        subscription: Hashable,
        target: ProbeTarget,
        subscriber: Subscriber,
        first_due: float | None = None,
    ) -> None:
        """Deliver the target's results to the subscriber; replaces an earlier subscription."""

    def unsubscribe(self, subscription: Hashable) -> None:
        """Stop delivering; the last one stops the probe."""


class Queue(Protocol):
    """Where a policy whose evidence has changed is put."""

    def add(self, key: Key) -> None:
        """Reconcile soon."""


class Subscriptions:
    """The subscriber of every policy's dependencies."""

    def __init__(self, store: Store, pool: Pool, queue: Queue, clock: Clock) -> None:
        self._store = store
        self._pool = pool
        self._queue = queue
        self._clock = clock

    def sync(self, entry: Entry) -> list[str]:
        """Subscribe what the spec lists, in its present form; returns what it lists no more."""
        key = (entry.policy.namespace, entry.policy.name)
        wanted = {d.name: d for d in entry.policy.spec.dependencies}
        dropped = [name for name in entry.probes if name not in wanted]
        for name in dropped:
            self._pool.unsubscribe((key, name))
            del entry.probes[name]
            entry.evidence.pop(name, None)
            entry.health.pop(name, None)
        now = self._clock.now()
        for name, dependency in wanted.items():
            self._subscribe(entry, dependency, now)
            entry.health[name] = assess(entry.evidence[name], dependency, now)
        return dropped

    def drop(self, entry: Entry) -> None:
        """Unsubscribe everything of a policy."""
        key = (entry.policy.namespace, entry.policy.name)
        for name in entry.probes:
            self._pool.unsubscribe((key, name))
        entry.probes.clear()

    def deliver(self, subscription: Hashable, result: ProbeResult) -> float:
        """Take a result in; returns when the next one is wanted."""
        key, name = cast(Subscription, subscription)
        now = self._clock.now()
        entry = self._store.get(key)
        dependency = entry.dependency(name) if entry else None
        if entry is None or dependency is None or name not in entry.evidence:
            return now + _IDLE_SECONDS  # unsubscribed a moment ago
        evidence = observe(entry.evidence[name], result, dependency, now)
        health = assess(evidence, dependency, now)
        entry.evidence[name] = evidence
        if health != entry.health.get(name):
            entry.health[name] = health
            self._queue.add(key)
        return next_probe_at(evidence, dependency, now)

    def _subscribe(self, entry: Entry, dependency: Dependency, now: float) -> None:
        target = _target(entry.policy.namespace, dependency)
        name = dependency.name
        known = entry.probes.get(name)
        if known == target:
            return
        if known is None or known.key != target.key:
            entry.evidence[name] = _initial_evidence(entry, name, now)
        entry.probes[name] = target
        evidence = entry.evidence[name]
        # A breaker that a restart finds open waits for the rest of its time; one whose probe has
        # changed is tried at once.
        is_open = evidence.breaker.phase is BreakerPhase.OPEN
        first = next_probe_at(evidence, dependency, now) if is_open else None
        key = (entry.policy.namespace, entry.policy.name)
        self._pool.subscribe((key, name), target, self, first)


def _target(namespace: str, dependency: Dependency) -> ProbeTarget:
    probe = dependency.probe
    return ProbeTarget(
        key=probe_key(namespace, probe),
        namespace=namespace,
        probe=typed(probe)[1],
        timeout_seconds=probe.timeout_seconds,
        interval_seconds=probe.interval_seconds,
    )


def _initial_evidence(entry: Entry, name: str, now: float) -> Evidence:
    """Nothing; or what the status says after a start; or the old health, of a changed probe."""
    old = entry.evidence.get(name)
    if old is not None:
        return renew(old, now)
    status = next((d for d in entry.policy_status.dependencies if d.name == name), None)
    return restore(status, now) if status is not None else begin(now)
