"""The parts that drive rollouts, wired: a workqueue, the worker, its looks and its watches."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from resilience_operator.announcements import Announcements
from resilience_operator.controller.rollouts.gather import Gatherer
from resilience_operator.controller.rollouts.interest import Interest
from resilience_operator.controller.rollouts.looks import Looks
from resilience_operator.controller.rollouts.mirror import Mirror, Present
from resilience_operator.controller.rollouts.sources import GuardedSources
from resilience_operator.controller.rollouts.worker import RolloutWorker
from resilience_operator.controller.rollouts.writes import RolloutWrites
from resilience_operator.controller.store import Store
from resilience_operator.core.model import Key, Trust
from resilience_operator.core.resources import Resource
from resilience_operator.kube.client import KubeClient
from resilience_operator.kube.watch import Watcher
from resilience_operator.probes.http_check import HttpChecks
from resilience_operator.probes.prometheus_query import PrometheusQueries
from resilience_operator.probes.toolkit import Toolkit
from resilience_operator.reports import Reports
from resilience_operator.runtime.clock import Clock
from resilience_operator.runtime.workqueue import WorkQueue

WORKERS = 32
"""Rollouts gone through at once: each mostly waits for the API server."""


@dataclass(slots=True)
class RolloutEngine:
    """One workqueue of rollouts, apart from that of levels: neither waits for the other."""

    queue: WorkQueue[Key]
    worker: RolloutWorker
    interest: Interest

    async def run(self) -> None:
        """Drive rollouts until cancelled."""
        try:
            await self.queue.run(self.worker.reconcile)
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

    mirror = Mirror(client)
    interest = Interest(open_watch, queue.add, mirror)
    worker = RolloutWorker(
        store=store,
        gatherer=Gatherer(mirror, clock.now, trust),
        looks=Looks(GuardedSources(PrometheusQueries(kit), HttpChecks(kit)), clock.now, queue.add),
        writes=RolloutWrites(client, Present(mirror, client), clock.now),
        announcer=announcements,
        observer=reports,
        interest=interest,
        queue=queue,
        now=clock.now,
    )
    return RolloutEngine(queue, worker, interest)
