"""The probe pool: every probe of every policy, shared, reference-counted and in one schedule.

Policies that watch the same thing share one probe and each get every result. No policy has a task
or a timer of its own: a probe is an entry in the due-heap until it is due, and a task only while
it is in flight. What a probe found is taken by its subscribers after its slot is free again.
"""

import asyncio
import math
from collections.abc import Hashable

from resilience_operator.api.v1alpha1.policy_status import FailureReason
from resilience_operator.core.model import ProbeKey, ProbeResult, Verdict
from resilience_operator.runtime import pace
from resilience_operator.runtime.clock import Alarm, Clock, Deadline
from resilience_operator.runtime.probing import PoolObserver, Prober, ProbeTarget, Subscriber
from resilience_operator.runtime.scheduler import DueHeap
from resilience_operator.runtime.shared_probe import SharedProbe, Subscription
from resilience_operator.runtime.slots import Slots

# A prober keeps its own timeout; one that has not come back so long after it is cut off.
GRACE_SECONDS = 5.0


class ProbePool:
    """Runs probes and hands their results out. All methods belong to one event loop."""

    def __init__(
        self,
        prober: Prober,
        clock: Clock,
        observer: PoolObserver,
        max_in_flight: int = 256,
        max_per_endpoint: int = 64,
    ) -> None:
        self._prober = prober
        self._clock = clock
        self._observer = observer
        self._slots: Slots[SharedProbe] = Slots(max_in_flight, max_per_endpoint)
        self._alarm = Alarm(clock)
        self._asleep_until = math.inf
        self._stopping = False
        self._heap: DueHeap[ProbeKey] = DueHeap()
        self._probes: dict[ProbeKey, SharedProbe] = {}
        self._subscriptions: dict[Hashable, Subscription] = {}
        self._unstarted = 0

    @property
    def in_flight(self) -> int:
        """Probes that are out at this moment."""
        return self._slots.in_use

    @property
    def targets(self) -> int:
        """Distinct probes that somebody wants."""
        return len(self._probes)

    @property
    def subscriptions(self) -> int:
        """How often they are wanted."""
        return len(self._subscriptions)

    def overdue(self) -> float:
        """Seconds for which the probe that has waited longest for its start has been due."""
        due = self._heap.next_due()
        return 0.0 if due is None else max(0.0, self._clock.now() - due)

    def subscribe(
        self,
        subscription: Hashable,
        target: ProbeTarget,
        subscriber: Subscriber,
        first_due: float | None = None,
    ) -> None:
        """Have results of that target delivered; replaces what `subscription` had before.

        Without `first_due` the first probe goes out at once, or a little later when many are
        waiting for theirs. A probe that others share keeps to the longest of their timeouts:
        judge the latency by your own.
        """
        old = self._subscriptions.get(subscription)
        probe = self._probes.get(target.key) or self._add(target)
        due = first_due
        if due is None:
            due = pace.first_due(
                self._clock.now(), probe.fraction, target.interval_seconds, self._unstarted
            )
            if old is not None and old.probe is probe:
                # A changed interval is heard of soon; anything else leaves the pace alone.
                same = target.interval_seconds == old.interval
                due = old.due if same else min(old.due, due)
        new = Subscription(probe, target, subscriber, due)
        self._subscriptions[subscription] = probe.subscriptions[subscription] = new
        if old is not None and old.probe is not probe:
            self._leave(subscription, old.probe)
        self._hasten(probe, due)

    def unsubscribe(self, subscription: Hashable) -> None:
        """Deliver nothing more; the last to leave a probe ends it."""
        old = self._subscriptions.pop(subscription, None)
        if old is not None:
            self._leave(subscription, old.probe)

    async def run(self) -> None:
        """Probe until stopped. Cancels what is in flight at the end and delivers none of it."""
        try:
            while not self._stopping:
                self._asleep_until = pace.earliest(self._start_due())
                until = None if math.isinf(self._asleep_until) else self._asleep_until
                await self._alarm.wait(until)
        finally:
            self._stopping = True
            await self._cancel_everything()

    def stop(self) -> None:
        """Make `run` return."""
        self._stopping = True
        self._alarm.ring()

    # -- who wants what

    def _add(self, target: ProbeTarget) -> SharedProbe:
        self._unstarted += 1
        probe = self._probes[target.key] = SharedProbe(target)
        return probe

    def _leave(self, subscription: Hashable, probe: SharedProbe) -> None:
        # Those who stay may now be served sooner than they asked, once; that does no harm.
        del probe.subscriptions[subscription]
        if probe.subscriptions:
            return
        self._heap.cancel(probe.target.key)
        probe.waiting_since = None
        self._call_next(probe.endpoint)  # it may have been the one that was called last
        if probe.started is None:
            self._unstarted -= 1
            del self._probes[probe.target.key]
        elif probe.closing is None:
            if probe.task is not None:
                probe.task.cancel()
            probe.closing = asyncio.get_running_loop().create_task(self._close(probe))

    async def _close(self, probe: SharedProbe) -> None:
        """End a probe, unless somebody came back for it meanwhile: then only begin afresh."""
        if probe.task is not None:
            await asyncio.wait([probe.task])
        if probe.task is not None:  # it was cancelled before its first step
            self._release(probe)
        try:
            await self._prober.forget(probe.target.namespace, probe.target.probe)
        except Exception as error:  # noqa: BLE001 - a leak in a prober is no reason to stop probing
            self._observer.prober_failed(probe.target.key, error)
        probe.closing = None
        if probe.subscriptions:
            self._hasten(probe, probe.due())
        else:
            del self._probes[probe.target.key]

    # -- when

    def _hasten(self, probe: SharedProbe, due: float) -> None:
        """Have the probe start no later than `due`, as far as it is free to."""
        if not probe.free:
            return
        key = probe.target.key
        due = pace.spaced(due, probe.started)
        present = self._heap.due(key)
        if present is None or due < present:
            self._heap.schedule(key, due)
            if due < self._asleep_until:
                self._alarm.ring()

    def _start_due(self) -> float | None:
        """Start what is due while there are slots; when the next one is due."""
        while not self._slots.full:
            now = self._clock.now()
            popped = self._heap.pop_due(now)
            if popped is None:
                return self._heap.next_due()
            key, due = popped
            probe = self._probes[key]
            if self._slots.take_or_queue(probe.endpoint, probe):
                self._start(probe, due, now)
            else:
                probe.waiting_since = due
        return None  # the next probe to end rings

    def _start(self, probe: SharedProbe, due: float, now: float) -> None:
        if probe.started is None:
            self._unstarted -= 1
        probe.started = now
        self._observer.probe_started(probe.target.key.type, now - due)
        probe.task = asyncio.get_running_loop().create_task(self._fly(probe, now))

    def _release(self, probe: SharedProbe) -> None:
        """Free the probe's slot."""
        probe.task = None
        if self._slots.full:
            self._alarm.ring()
        self._slots.give_back(probe.endpoint)
        self._call_next(probe.endpoint)

    def _call_next(self, endpoint: str) -> None:
        """Have the one that has waited longest for a slot at that endpoint start."""
        while (waiting := self._slots.next_in_queue(endpoint)) is not None:
            since, waiting.waiting_since = waiting.waiting_since, None
            if since is not None:  # else it was given up, or is scheduled anew
                self._hasten(waiting, since)
                return

    # -- one probe

    async def _fly(self, probe: SharedProbe, started: float) -> None:
        try:
            result = await self._ask(probe, started)
        finally:
            self._release(probe)
        self._observer.probe_finished(probe.target.key, result, probe.subscriptions)
        ended = self._clock.now()
        due = math.inf
        for subscription, known in tuple(probe.subscriptions.items()):
            if probe.subscriptions.get(subscription) is known:
                due = min(due, self._deliver(subscription, known, result, started, ended))
        if probe.subscriptions:
            self._hasten(probe, due)

    async def _ask(self, probe: SharedProbe, started: float) -> ProbeResult:
        target = probe.target
        timeout = probe.timeout()
        try:
            async with Deadline(self._clock, started + timeout + GRACE_SECONDS):
                return await self._prober.probe(target.namespace, target.probe, timeout)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            failure: BaseException = error  # a library's own: nobody cancelled us
        except Exception as error:  # noqa: BLE001 - our failure is Unknown, never theirs
            failure = error
        self._observer.prober_failed(target.key, failure)
        return ProbeResult(
            verdict=Verdict.UNKNOWN,
            at=self._clock.now(),
            reason=FailureReason.INTERNAL,
            message=f"The probe itself failed ({type(failure).__name__}).",
        )

    def _deliver(
        self,
        subscription: Hashable,
        known: Subscription,
        result: ProbeResult,
        started: float,
        ended: float,
    ) -> float:
        """Hand one subscriber its result; when it is due again."""
        try:
            wish = known.subscriber.deliver(subscription, result)
        except Exception as error:  # noqa: BLE001 - one subscriber's bug must not hurt the others
            self._observer.subscriber_failed(error)
            wish = started + known.interval
        offset = known.probe.fraction * known.interval
        known.due = pace.settle(wish, started, ended, known.interval, offset)
        return known.due

    async def _cancel_everything(self) -> None:
        tasks = [
            task
            for probe in self._probes.values()
            for task in (probe.task, probe.closing)
            if task is not None
        ]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
