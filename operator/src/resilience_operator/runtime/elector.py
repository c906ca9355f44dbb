"""Leader election on a lease: of several replicas one probes and writes, the others stand by.

Written here because the client library's elector trusts the wall clock, does not notice that the
leading task died and never gives the lease back. As in client-go, another holder's time stamps
are never compared with our clock: a lease has run out when its record has not changed for its
duration, as seen from here. A leader counts from the *start* of its last successful renewal and
gives up at the renew deadline, well before others may take over.
"""

import asyncio
import math
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from resilience_operator.runtime.clock import Alarm, Clock, Deadline


class LeaseRecord(Protocol):
    """A lease as it is stored. Times are seconds since the epoch."""

    @property
    def holder(self) -> str:
        """Identity of the holder; empty once it was given back."""
        ...

    @property
    def duration_seconds(self) -> int:
        """How long the others wait for a change before they take over."""
        ...

    @property
    def acquired_at(self) -> float:
        """When the holder took it."""
        ...

    @property
    def transitions(self) -> int:
        """How often it has changed hands."""
        ...

    @property
    def version(self) -> str:
        """Differs after every write."""
        ...


class LeaseStore(Protocol):
    """Where the lease is kept. Any exception means that the attempt failed."""

    async def read(self) -> LeaseRecord | None:
        """The present record; None when there is none."""
        ...

    async def write(
        self,
        *,
        holder: str,
        duration_seconds: int,
        acquired_at: float,
        renewed_at: float,
        transitions: int,
        version: str | None,
    ) -> LeaseRecord:
        """Store a record if the present one still has that version (None: if there is none)."""
        ...


class LeadershipLost(Exception):  # noqa: N818 - it names what happened
    """Another replica leads, or may by now; nothing may be done in the leader's name any more."""


@dataclass(frozen=True, slots=True)
class LeaseTiming:
    """Seconds. The gap between the first two is what a leader has to stop in."""

    lease: float = 15.0
    renew_deadline: float = 10.0
    retry: float = 2.0


class LeaderElector:
    """One replica's part in the election."""

    def __init__(
        self,
        store: LeaseStore,
        identity: str,
        clock: Clock,
        timing: LeaseTiming | None = None,
        on_change: Callable[[bool], None] = lambda leading: None,
        on_error: Callable[[Exception], None] = lambda error: None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._identity = identity
        self._clock = clock
        self._timing = timing or LeaseTiming()
        self._on_change = on_change
        self._on_error = on_error
        self._jitter = jitter
        self._alarm = Alarm(clock)
        self._stopping = False
        self._leading = False
        self._record: LeaseRecord | None = None
        self._seen_at = 0.0  # when we first saw the record as it is
        self._renewed_at = 0.0

    @property
    def is_leader(self) -> bool:
        """Whether this replica leads at this moment; False as soon as that is in doubt."""
        return self._leading and self._clock.now() < self._renewed_at + self._timing.renew_deadline

    @property
    def in_touch(self) -> bool:
        """Whether the lease could be read since the start."""
        return self._seen_at > 0.0

    async def run(self, lead: Callable[[], Awaitable[None]]) -> None:
        """Wait for the lease, then lead until `lead` ends or `stop` is called; give the lease back.

        Raises LeadershipLost when the lease could not be kept, and whatever `lead` raises.
        """
        while not self._stopping and not await self._attempt(self._timing.renew_deadline):
            await self._pause(self._timing.retry * (1.0 + self._jitter()))
        if self._renewed_at == 0.0:
            return
        self._change(True)
        task = asyncio.ensure_future(lead())
        task.add_done_callback(lambda _: self._alarm.ring())
        try:
            await self._keep(task)
        finally:
            await self._step_down(task)
        if not task.cancelled():
            task.result()

    def stop(self) -> None:
        """Make `run` return, with the lease given back."""
        self._stopping = True
        self._alarm.ring()

    async def _keep(self, task: asyncio.Future[None]) -> None:
        """Renew for as long as the task runs."""
        while not task.done() and not self._stopping:
            await self._pause(self._timing.retry)
            if task.done() or self._stopping:
                return
            left = self._renewed_at + self._timing.renew_deadline - self._clock.now()
            if left <= 0 or (not await self._attempt(left) and not self._may_hold()):
                self._record = None  # nothing that is ours to give back
                raise LeadershipLost(f"the lease of {self._identity} could not be renewed")

    def _may_hold(self) -> bool:
        """Whether after a failed renewal the lease is still ours, for all we know."""
        return self.is_leader and self._record is not None and self._record.holder == self._identity

    async def _step_down(self, task: asyncio.Future[None]) -> None:
        """End the task in the time that is left before others take over, then let them."""
        self._change(False)
        if not task.done():
            task.cancel()
            margin = self._timing.lease - self._timing.renew_deadline
            done = Alarm(self._clock)
            task.add_done_callback(lambda _: done.ring())
            await done.wait(self._clock.now() + margin)
        record = self._record
        if task.done() and record is not None and record.holder == self._identity:
            await self._release(record)

    async def _attempt(self, seconds: float) -> bool:
        """Take or renew the lease once, within the time given. Says whether it is ours."""
        started = self._clock.now()
        # A request that hangs on a dead connection leaves time for another on a new one.
        limit = min(seconds, self._timing.renew_deadline / 2)
        try:
            async with Deadline(self._clock, started + limit):
                await self._take(started)
        except Exception as error:  # noqa: BLE001 - any failure of the store is a failed attempt
            self._on_error(error)
            return False
        return self._record is not None and self._record.holder == self._identity

    async def _take(self, now: float) -> None:
        """Write our record, unless somebody else holds the lease."""
        record = self._record
        if record is None or record.holder != self._identity or not self._leading:
            record = self._observe(await self._store.read())
        if record is not None and self._held_by_other(record):
            return
        try:
            written = await self._put(record, now)
        except Exception:
            fresh = self._observe(await self._store.read())
            if fresh is None or fresh.holder != self._identity:
                raise
            # An earlier write of ours was stored and its answer lost.
            written = await self._put(fresh, now)
        self._observe(written)
        self._renewed_at = now

    async def _put(self, record: LeaseRecord | None, now: float) -> LeaseRecord:
        """Write that we hold the lease, in place of `record`."""
        ours = record is not None and record.holder == self._identity
        return await self._store.write(
            holder=self._identity,
            duration_seconds=math.ceil(self._timing.lease),
            acquired_at=record.acquired_at if record is not None and ours else now,
            renewed_at=now,
            transitions=0 if record is None else record.transitions + (not ours),
            version=None if record is None else record.version,
        )

    def _observe(self, record: LeaseRecord | None) -> LeaseRecord | None:
        before = None if self._record is None else self._record.version
        if record is None or record.version != before:
            self._seen_at = self._clock.now()
        self._record = record
        return record

    def _held_by_other(self, record: LeaseRecord) -> bool:
        if record.holder in ("", self._identity):
            return False
        return self._clock.now() < self._seen_at + max(record.duration_seconds, self._timing.lease)

    async def _release(self, record: LeaseRecord) -> None:
        """Leave a record that nobody holds, so that another need not wait."""
        now = self._clock.now()
        try:
            async with Deadline(self._clock, now + self._timing.retry):
                await self._store.write(
                    holder="",
                    duration_seconds=1,
                    acquired_at=record.acquired_at,
                    renewed_at=now,
                    transitions=record.transitions,
                    version=record.version,
                )
        except Exception as error:  # noqa: BLE001 - then the others wait until it has run out
            self._on_error(error)

    def _change(self, leading: bool) -> None:
        if leading != self._leading:
            self._leading = leading
            self._on_change(leading)

    async def _pause(self, seconds: float) -> None:
        if not self._stopping:
            await self._alarm.wait(self._clock.now() + seconds)
