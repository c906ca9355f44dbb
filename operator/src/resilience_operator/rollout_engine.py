"""The parts that drive rollouts, wired: a workqueue, the worker, its looks and its watches."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from resilience_operator.announcements import Announcements
from resilience_operator.controller.rollouts.beginnings import Beginnings
from resilience_operator.controller.rollouts.gather import Gatherer
from resilience_operator.controller.rollouts.interest import Interest
from resilience_operator.controller.rollouts.looks import Looks
from resilience_operator.controller.rollouts.mirror import Mirror, Present
from resilience_operator.controller.rollouts.rivals import Rivals
from resilience_operator.controller.rollouts.sources import GuardedSources
from resilience_operator.controller.rollouts.told_later import ToldLater
from resilience_operator.controller.rollouts.worker import RolloutWorker
from resilience_operator.controller.rollouts.writes import RolloutWrites
from resilience_operator.controller.store import Store
from resilience_operator.core.model import Key, Trust
from resilience_operator.core.resources import Resource
from resilience_operator.kube.client import KubeClient
from resilience_operator.kube.pacing import TokenBucket
from resilience_operator.kube.watch import Watcher
from resilience_operator.metrics.reports import Reports
from resilience_operator.probes.http_check import HttpChecks
from resilience_operator.probes.prometheus_query import PrometheusQueries
from resilience_operator.probes.toolkit import Toolkit
from resilience_operator.runtime.clock import Clock
from resilience_operator.runtime.workqueue import WorkQueue

WORKERS = 32
"""Rollouts gone through at once: each mostly waits for the API server."""

WRITES_PER_SECOND = 200.0
WRITES_AT_ONCE = 1000
"""The pace of writes to traffic and to where it stands. It is their own: a bad version that has to
go home does not queue behind the statuses and events of thousands of policies."""

BEGINNINGS_PER_SECOND = WRITES_PER_SECOND / 4
"""A step takes up to four writes; those of rollouts that began together are due together."""


@dataclass(slots=True)
class RolloutEngine:
    """One workqueue of rollouts, apart from that of levels: neither waits for the other."""

    queue: WorkQueue[Key]
    worker: RolloutWorker
    interest: Interest
    announcer: ToldLater
    reconcile: Callable[[Key], Awaitable[None]]

    async def run(self) -> None:
        """Drive rollouts until cancelled; the announcer is run beside it."""
        try:
            await self.queue.run(self.reconcile)
        finally:
            await self.interest.stop()


def build_engine(
    client: KubeClient,
    store: Store,
    clock: Clock,
    reports: Reports,
    kit: Toolkit,
    announcements: Announcements,
    trust: Callable[[], Trust],
    namespaces: Sequence[str | None],
) -> RolloutEngine:
    """Wire the engine; nothing is started yet."""
    queue: WorkQueue[Key] = WorkQueue(clock, reports, workers=WORKERS)

    def open_watch(resource: Resource) -> list[Watcher]:
        return [
            Watcher(client, clock, resource, namespace, None, reports.watch_failed)
            for namespace in namespaces
        ]

    client = client.paced(TokenBucket(clock, WRITES_PER_SECOND, WRITES_AT_ONCE))
    announcer = ToldLater(announcements)
    mirror = Mirror(client)
    interest = Interest(open_watch, queue.add, mirror)
    rivals = Rivals(mirror, queue.add)
    sources = GuardedSources(PrometheusQueries(kit), HttpChecks(kit), clock.sleep)
    worker = RolloutWorker(
        store=store,
        gatherer=Gatherer(mirror, clock.now, trust, rivals),
        looks=Looks(sources, clock.now, queue.add, reports.look_failed),
        writes=RolloutWrites(client, Present(mirror, client), clock.now),
        announcer=announcer,
        observer=reports,
        interest=interest,
        rivals=rivals,
        beginnings=Beginnings(BEGINNINGS_PER_SECOND),
        queue=queue,
        now=clock.now,
    )
    reconcile = reports.tracing.traced("rollout", worker.reconcile)
    return RolloutEngine(queue, worker, interest, announcer, reconcile)
