"""A clock that stands still until a test moves it."""

import asyncio
import heapq
import itertools
from collections.abc import Callable

_QUIET_LIMIT = 10_000


class FakeTimer:
    """A callback that is still to come."""

    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        self.callback = None


class FakeClock:
    """Satisfies `runtime.clock.Clock`.

    `await clock.advance(5)` goes from one timer to the next and lets everything run in between,
    so that whatever sleeps wakes at its own time, in order. `await clock.jump(5)` goes there at
    once, as for a process that was suspended. `await clock.settle()` lets everything run now.
    """

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._now = start
        self._timers: list[tuple[float, int, FakeTimer]] = []
        self._serial = itertools.count()

    def now(self) -> float:
        return self._now

    def call_at(self, when: float, callback: Callable[[], object]) -> FakeTimer:
        timer = FakeTimer(callback)
        heapq.heappush(self._timers, (when, next(self._serial), timer))
        return timer

    async def sleep(self, seconds: float) -> None:
        await self.sleep_until(self._now + seconds)

    async def sleep_until(self, when: float) -> None:
        if when <= self._now:
            await asyncio.sleep(0)
            return
        woken = asyncio.Event()
        timer = self.call_at(when, woken.set)
        try:
            await woken.wait()
        finally:
            timer.cancel()

    async def advance(self, seconds: float) -> None:
        """Move on by so many seconds, timer by timer."""
        target = self._now + seconds
        await self.settle()
        while self._timers and self._timers[0][0] <= target:
            self._now = max(self._now, self._timers[0][0])
            self._fire()
            await self.settle()
        self._now = target
        await self.settle()

    async def jump(self, seconds: float) -> None:
        """Move on by so many seconds at once; timers that have become due run late."""
        self._now += seconds
        self._fire()
        await self.settle()

    async def settle(self) -> None:
        """Let every task run until none has anything to do at the present time."""
        loop = asyncio.get_running_loop()
        for _ in range(_QUIET_LIMIT):
            await asyncio.sleep(0)
            if self._timers and self._timers[0][0] <= self._now:
                self._fire()
            elif not loop._ready:  # type: ignore[attr-defined]
                return
        raise AssertionError("something runs for ever without waiting for the clock")

    def _fire(self) -> None:
        while self._timers and self._timers[0][0] <= self._now:
            timer = heapq.heappop(self._timers)[2]
            callback, timer.callback = timer.callback, None
            if callback is not None:
                callback()
