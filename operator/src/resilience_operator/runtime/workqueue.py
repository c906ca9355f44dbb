"""The workqueue: which keys need work, one run per key at a time, failures again later.

Level-triggered: a key is a hint that something may have changed, never the change itself. Ten
hints before a run are one run; a hint during a run is one more run after it.
"""

import asyncio
import random
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from functools import partial
from typing import Generic, Protocol, TypeVar

from resilience_operator.runtime.clock import Alarm, Clock
from resilience_operator.runtime.scheduler import DueHeap

K = TypeVar("K", bound=Hashable)

BASE_BACKOFF_SECONDS = 0.5
MAX_BACKOFF_SECONDS = 60.0
# Beyond this the power would only overflow.
_MAX_DOUBLINGS = 16


class QueueObserver(Protocol):
    """Hears what the queue does, for metrics and logs. Must not raise."""

    def run_finished(self, key: Hashable, seconds: float, error: Exception | None) -> None:
        """A handler returned, or failed and will be run again."""
        ...


class WorkQueue(Generic[K]):
    """Keys to work on. All methods belong to one event loop."""

    def __init__(
        self,
        clock: Clock,
        observer: QueueObserver,
        workers: int = 8,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._clock = clock
        self._observer = observer
        self._workers = workers
        self._jitter = jitter
        self._alarm = Alarm(clock)
        self._stopping = False
        # An ordered set; unlike a dict it gives up its first key without a search.
        self._ready: OrderedDict[K, None] = OrderedDict()
        self._later: DueHeap[K] = DueHeap()
        self._running: dict[K, asyncio.Task[None]] = {}
        self._again: set[K] = set()
        self._failures: dict[K, int] = {}
        self._added = 0

    @property
    def added(self) -> int:
        """How often a key was put on the queue, by hints and by its time."""
        return self._added

    @property
    def running(self) -> int:
        """Keys that are worked on at this moment."""
        return len(self._running)

    @property
    def depth(self) -> int:
        """Keys that could be worked on now and are not yet."""
        return len(self._ready) + len(self._again)

    @property
    def delayed(self) -> int:
        """Keys whose time has not come."""
        return len(self._later)

    @property
    def retries(self) -> int:
        """Keys whose last run failed."""
        return len(self._failures)

    def add(self, key: K) -> None:
        """Have a run of that key start from now on."""
        self._added += 1
        if key in self._running:
            self._again.add(key)
        else:
            self._ready[key] = None
            self._alarm.ring()

    def add_at(self, key: K, when: float) -> None:
        """Have a run of that key start at `when`; of several times the earliest counts.

        The run that comes of it says when the key is due next.
        """
        present = self._later.due(key)
        if present is None or when < present:
            self._later.schedule(key, when)
            self._alarm.ring()

    async def run(self, handler: Callable[[K], Awaitable[None]]) -> None:
        """Work until stopped, then cancel the handlers that still run."""
        try:
            while not self._stopping:
                self._start_ready(handler)
                await self._alarm.wait(self._later.next_due())
        finally:
            await self._cancel_running()

    def stop(self) -> None:
        """Make `run` return."""
        self._stopping = True
        self._alarm.ring()

    def _start_ready(self, handler: Callable[[K], Awaitable[None]]) -> None:
        while (popped := self._later.pop_due(self._clock.now())) is not None:
            self.add(popped[0])
        while self._ready and len(self._running) < self._workers:
            key, _ = self._ready.popitem(last=False)
            task = asyncio.get_running_loop().create_task(self._work(key, handler))
            self._running[key] = task
            task.add_done_callback(partial(self._finished, key))

    async def _work(self, key: K, handler: Callable[[K], Awaitable[None]]) -> None:
        started = self._clock.now()
        error: Exception | None = None
        try:
            await handler(key)
        except Exception as failure:  # noqa: BLE001 - whatever failed: report it and try again
            error = failure
        if error is None:
            self._failures.pop(key, None)
        else:
            self.add_at(key, self._clock.now() + self._backoff(key, error))
        self._observer.run_finished(key, self._clock.now() - started, error)

    def _backoff(self, key: K, error: Exception) -> float:
        """Doubling, spread over the upper half of the wait, no sooner than the error asks for."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        wait = min(BASE_BACKOFF_SECONDS * 2.0 ** min(failures, _MAX_DOUBLINGS), MAX_BACKOFF_SECONDS)
        asked = float(getattr(error, "retry_after", None) or 0.0)
        return max(wait * (0.5 + 0.5 * self._jitter()), asked)

    def _finished(self, key: K, task: asyncio.Task[None]) -> None:
        del self._running[key]
        if key in self._again:
            self._again.discard(key)
            self._ready[key] = None
        elif task.cancelled():
            self.add_at(key, self._clock.now() + BASE_BACKOFF_SECONDS)
        self._alarm.ring()

    async def _cancel_running(self) -> None:
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
