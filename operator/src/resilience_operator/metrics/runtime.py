"""Numbers of the operator's own parts, read from them at each scrape."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from prometheus_client import Metric
from prometheus_client.registry import Collector

from resilience_operator.metrics.scraped import Samples, family, sample


class Pool(Protocol):
    """What a scrape reads of the probe pool."""

    @property
    def in_flight(self) -> int:
        """Probes on their way."""
        ...

    @property
    def targets(self) -> int:
        """Distinct probes."""
        ...

    @property
    def subscriptions(self) -> int:
        """Dependencies that they serve."""
        ...

    def overdue(self) -> float:
        """Seconds for which the probe that has waited longest has been due."""
        ...


class Queue(Protocol):
    """What a scrape reads of a workqueue."""

    @property
    def depth(self) -> int:
        """Keys that wait."""
        ...

    @property
    def added(self) -> int:
        """How often a key was added."""
        ...

    @property
    def delayed(self) -> int:
        """Keys whose time has not come."""
        ...

    @property
    def retries(self) -> int:
        """Keys whose last run failed."""
        ...

    @property
    def running(self) -> int:
        """Keys that are worked on."""
        ...


class Notifier(Protocol):
    """What a scrape reads of the webhooks."""

    @property
    def counts(self) -> Mapping[str, int]:
        """What became of messages, by outcome."""
        ...

    @property
    def waiting(self) -> int:
        """Messages in the queues."""
        ...


class RuntimeMetrics(Collector):
    """The parts of a leading replica; a standby has none, and exposes no samples of them."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._pool: Pool | None = None
        self._queues: dict[str, Queue] = {}
        self._notifier: Notifier | None = None
        self._silence: Callable[[], float] | None = None
        self._blind_since: float | None = None
        self._blind_before = 0.0

    def watch_pool(self, pool: Pool) -> None:
        """Read the probe pool from now on."""
        self._pool = pool

    def watch_queue(self, name: str, queue: Queue) -> None:
        """Read a workqueue from now on."""
        self._queues[name] = queue

    def watch_notifier(self, notifier: Notifier) -> None:
        """Read the webhooks from now on."""
        self._notifier = notifier

    def watch_silence(self, silence: Callable[[], float]) -> None:
        """Read how long the watch of policies has shown no life."""
        self._silence = silence

    def trust_changed(self, trusted: bool) -> None:
        """The operator believes its probes, or is blind."""
        now = self._monotonic()
        if self._blind_since is not None:
            self._blind_before += now - self._blind_since
        self._blind_since = None if trusted else now

    def describe(self) -> Iterable[Metric]:
        """The families by name, for the registry's check on duplicates."""
        return self.collect()

    def collect(self) -> Iterable[Metric]:
        """The families; their samples come while they are being read."""
        yield self._of_pool(
            "resilience_probes_in_flight", "Probes on their way.", lambda pool: pool.in_flight
        )
        yield self._of_pool(
            "resilience_probe_targets",
            "Distinct probes; policies with the same one share it.",
            lambda pool: pool.targets,
        )
        yield self._of_pool(
            "resilience_probe_subscriptions",
            "Dependencies of policies that those probes serve.",
            lambda pool: pool.subscriptions,
        )
        yield family(
            "resilience_probe_deduplication_ratio",
            "Dependencies served by each distinct probe; absent while there is none.",
            "gauge",
            self._deduplication,
        )
        yield self._of_pool(
            "resilience_probe_overdue_seconds",
            "How long the probe that has waited longest for its start has been due.",
            lambda pool: pool.overdue(),
        )
        yield self._of_queues("depth", "gauge", "Keys that wait for a run.")
        yield self._of_queues("added", "counter", "Keys put on a workqueue.", "_total")
        yield self._of_queues("delayed", "gauge", "Keys whose time has not come.")
        yield self._of_queues("running", "gauge", "Keys that are worked on.")
        yield self._of_queues("retries", "gauge", "Keys whose last run failed.", as_="failing")
        yield family(
            "resilience_notifications",
            "Messages to webhooks, by what became of them.",
            "counter",
            self._notifications,
        )
        yield family(
            "resilience_notifications_waiting",
            "Messages to webhooks that are queued.",
            "gauge",
            self._waiting,
        )
        yield family(
            "resilience_policy_watch_silence_seconds",
            "How long the loop that watches policies has shown no life; it does every 5 seconds.",
            "gauge",
            self._silent,
        )
        yield family(
            "resilience_blind_seconds",
            "Seconds for which the operator did not believe its probes and held every level.",
            "counter",
            self._blind,
        )

    def _of_pool(self, name: str, documentation: str, of: Callable[[Pool], float]) -> Metric:
        def samples() -> Samples:
            if self._pool is not None:
                yield sample(name, of(self._pool))

        return family(name, documentation, "gauge", samples)

    def _of_queues(
        self, attribute: str, kind: str, documentation: str, suffix: str = "", as_: str = ""
    ) -> Metric:
        name = f"resilience_workqueue_{as_ or attribute}"

        def samples() -> Samples:
            for queue, source in tuple(self._queues.items()):
                yield sample(name + suffix, getattr(source, attribute), queue=queue)

        return family(name, documentation, kind, samples)

    def _deduplication(self) -> Samples:
        pool = self._pool
        if pool is not None and (targets := pool.targets):
            yield sample("resilience_probe_deduplication_ratio", pool.subscriptions / targets)

    def _notifications(self) -> Samples:
        if self._notifier is not None:
            for outcome, count in tuple(self._notifier.counts.items()):
                yield sample("resilience_notifications_total", count, outcome=outcome)

    def _waiting(self) -> Samples:
        if self._notifier is not None:
            yield sample("resilience_notifications_waiting", self._notifier.waiting)

    def _silent(self) -> Samples:
        if self._silence is not None:
            yield sample("resilience_policy_watch_silence_seconds", self._silence())

    def _blind(self) -> Samples:
        since = self._blind_since
        present = 0.0 if since is None else self._monotonic() - since
        yield sample("resilience_blind_seconds_total", self._blind_before + present)
