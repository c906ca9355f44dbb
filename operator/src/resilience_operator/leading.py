"""What a replica does while it leads: watch, probe, decide, write, until one of its parts ends.

All parts live and die together: a leader whose watch or workqueue has ended is worth less than a
standby, so the first to end takes the others down and the process with them.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from resilience_operator.actuators import FlagsConfigMap, PodRefresh
from resilience_operator.announcements import Announcements
from resilience_operator.api.v1alpha1.base import MANAGED_BY_LABEL
from resilience_operator.controller.finalizer import Finalizer
from resilience_operator.controller.flag_effects import FlagEffects
from resilience_operator.controller.hand_over import HandOver
from resilience_operator.controller.housekeeping import (
    RollCall,
    after_interruptions,
    resync,
    watch_flags,
)
from resilience_operator.controller.reconciler import Controller
from resilience_operator.controller.status_effects import StatusEffects
from resilience_operator.controller.store import Store
from resilience_operator.controller.subscriptions import Subscriptions
from resilience_operator.controller.trust_monitor import Control, CurrentTrust, TrustMonitor
from resilience_operator.controller.unplanned import Subject, Unplanned
from resilience_operator.core.model import Key
from resilience_operator.core.resources import CONFIG_MAPS
from resilience_operator.first_levels import hand_over_levels
from resilience_operator.handlers import Sink, build_registry
from resilience_operator.handlers import Watcher as KopfWatcher
from resilience_operator.kube.client import KubeClient
from resilience_operator.kube.events import EventRecorder
from resilience_operator.kube.secrets import SecretReader
from resilience_operator.kube.watch import Watcher
from resilience_operator.metrics.reports import Reports
from resilience_operator.probes.guard import AddressGuard
from resilience_operator.probes.prober import Prober
from resilience_operator.probes.secrets import CachedSecrets
from resilience_operator.probes.toolkit import Toolkit
from resilience_operator.probes.webhooks import Webhooks
from resilience_operator.reach import (
    api_server_addresses,
    build_guard,
    control_name,
    follow_api_server,
)
from resilience_operator.rollout_engine import RolloutEngine, build_engine
from resilience_operator.runtime.clock import Clock
from resilience_operator.runtime.loop_lag import LoopLag
from resilience_operator.runtime.pool import ProbePool
from resilience_operator.runtime.workqueue import WorkQueue
from resilience_operator.settings import Settings
from resilience_operator.vitals import SCHEDULE_PATIENCE_SECONDS, WATCH_PATIENCE_SECONDS, Vitals


@dataclass(slots=True)
class Leader:
    """The parts of a leading replica, wired."""

    settings: Settings
    client: KubeClient
    clock: Clock
    reports: Reports
    vitals: Vitals
    api_server_url: str

    async def run(self) -> None:
        """Lead until a part fails; cancelled when leadership is lost."""
        settings, clock, reports = self.settings, self.clock, self.reports
        store = Store()
        queue: WorkQueue[Key] = WorkQueue(clock, reports, workers=settings.workers)
        lag = LoopLag(reports.loop_lagged)
        api_server = await api_server_addresses(self.client, self.api_server_url)
        guard = build_guard(settings, api_server)
        prober = self._prober(lag, guard)
        pool = ProbePool(prober, clock, reports, max_in_flight=settings.max_probes_in_flight)
        reports.runtime.watch_pool(pool)
        reports.runtime.watch_queue("levels", queue)
        subscriptions = Subscriptions(store, pool, queue, clock)
        kit = Toolkit.of(guard, clock.now, control_name())
        webhooks = Webhooks(kit, CachedSecrets(SecretReader(self.client), clock.now))
        reports.runtime.watch_notifier(webhooks)
        announcements = Announcements(
            EventRecorder(self.client, clock, settings.identity, reports), webhooks, clock.now
        )
        trust = CurrentTrust()
        engine = build_engine(
            self.client, store, clock, reports, kit, announcements, trust.get, self._namespaces
        )
        reports.runtime.watch_queue("rollouts", engine.queue)
        selector = settings.policy_selector or None
        alone: WorkQueue[Subject] = WorkQueue(clock, reports, workers=2)
        unplanned = Unplanned(
            store, self.client, queue, reports, alone, clock.now, shared=selector is not None
        )
        controller = self._controller(
            store, subscriptions, queue, announcements, engine, trust, unplanned
        )
        arrivals: WorkQueue[Key] = WorkQueue(clock, reports)
        hand_over = HandOver(store, controller, self.client, arrivals, unplanned, clock.now)
        roll_call = RollCall(store, controller, self.client, self._namespaces, selector)
        await hand_over_levels(self.client, clock, self._namespaces, hand_over)
        self.vitals.watch("The probe schedule", pool.overdue, SCHEDULE_PATIENCE_SECONDS)
        parts: list[Coroutine[Any, Any, object]] = [
            pool.run(),
            queue.run(reports.tracing.traced("reconcile", controller.reconcile)),
            arrivals.run(hand_over.take_over),
            alone.run(unplanned.tell),
            self._watch_policies(hand_over),
            TrustMonitor(store, controller, clock, self._control()).run(),
            resync(roll_call, clock, settings.resync_seconds),
            after_interruptions(hand_over.interrupted, roll_call, clock),
            follow_api_server(self.client, self.api_server_url, guard, clock, api_server),
            lag.watch(),
            engine.run(),
            engine.announcer.run(),
        ]
        parts += [
            watch_flags(controller, self._flag_watcher(namespace)) for namespace in self._namespaces
        ]
        try:
            await run_until_first_ends(parts)
        finally:
            await webhooks.aclose()
            await kit.aclose()
            await prober.aclose()

    @property
    def _namespaces(self) -> Sequence[str | None]:
        """Those that are watched, each by itself; None: all."""
        return self.settings.watch_namespaces or (None,)

    def _prober(self, lag: LoopLag, guard: AddressGuard) -> Prober:
        return Prober(
            SecretReader(self.client),
            guard,
            self.clock.now,
            on_internal_error=self.reports.internal_probe_error,
            control_name=control_name(),
            lost=lag.lost,
        )

    def _controller(
        self,
        store: Store,
        subscriptions: Subscriptions,
        queue: WorkQueue[Key],
        announcements: Announcements,
        engine: RolloutEngine,
        trust: CurrentTrust,
        unplanned: Unplanned,
    ) -> Controller:
        flags, pods = FlagsConfigMap(self.client), PodRefresh(self.client)
        return Controller(
            store=store,
            subscriptions=subscriptions,
            flags=FlagEffects(flags, pods, queue, self.reports, self.clock.now),
            statuses=StatusEffects(self.client),
            finalizer=Finalizer(self.client, flags, pods, engine.worker.undo),
            announcer=announcements,
            observer=self.reports,
            queue=queue,
            rollouts=engine.queue,
            trust=trust,
            alone=unplanned,
            now=self.clock.now,
        )

    async def _watch_policies(self, sink: Sink) -> None:
        loop = asyncio.get_running_loop()
        kubeconfig = self.settings.kubeconfig
        registry = build_registry(
            sink, loop.call_soon_threadsafe, str(kubeconfig) if kubeconfig else None
        )
        watcher = KopfWatcher(
            registry,
            self.settings.watch_namespaces,
            self.settings.identity,
            self.settings.policy_selector,
        )
        self.vitals.watch("The watch of policies", watcher.silence, WATCH_PATIENCE_SECONDS)
        self.reports.runtime.watch_silence(watcher.silence)
        await watcher.run()

    def _flag_watcher(self, namespace: str | None) -> Watcher:
        return Watcher(
            self.client,
            self.clock,
            CONFIG_MAPS,
            namespace,
            MANAGED_BY_LABEL,
            self.reports.watch_failed,
        )

    def _control(self) -> Control | None:
        address = self.settings.control_probe
        if not address:
            return None
        host, _, port = address.rpartition(":")
        return lambda: can_connect(host.strip("[]"), int(port))


async def can_connect(host: str, port: int) -> bool:
    """The control probe: whether a TCP connection is accepted within two seconds."""
    try:
        async with asyncio.timeout(2.0):
            _, writer = await asyncio.open_connection(host, port)
    except OSError:  # TimeoutError is one
        return False
    writer.close()
    return True


async def run_until_first_ends(parts: Sequence[Coroutine[Any, Any, object]]) -> None:
    """Run all; when one ends or fails, cancel the others and say which it was."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
    raise RuntimeError("a part of the leader ended, which none of them should")
