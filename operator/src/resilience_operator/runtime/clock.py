"""Time, injected: what everything that waits or compares times is given instead of the system's.

One reading serves for decisions, schedules and time stamps, so it is in seconds since the epoch,
yet it never goes back and never jumps when somebody sets the machine's clock.
"""

import asyncio
import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self


class Timer(Protocol):
    """A callback that is still to come."""

    def cancel(self) -> None:
        """Forget it. Does nothing once it has run."""
        ...


class Clock(Protocol):
    """Tells the time and waits for it."""

    def now(self) -> float:
        """Seconds since the epoch; never goes back."""
        ...

    def call_at(self, when: float, callback: Callable[[], object]) -> Timer:
        """Run the callback on the event loop at `when`, or soon if that has passed."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait so many seconds."""
        ...

    async def sleep_until(self, when: float) -> None:
        """Wait until `now()` has reached `when`."""
        ...


# A machine that was suspended must notice that its lease has run out: where the system has a
# clock that goes on meanwhile, that is the one to take.
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class SystemClock:
    """Wall time at the start plus the steady time that has passed since."""

    def __init__(self) -> None:
        self._offset = time.time() - time.clock_gettime(_STEADY)

    def now(self) -> float:
        """Seconds since the epoch; never goes back."""
        return self._offset + time.clock_gettime(_STEADY)

    def call_at(self, when: float, callback: Callable[[], object]) -> Timer:
        """Run the callback on the running event loop at `when`."""
        return asyncio.get_running_loop().call_later(max(0.0, when - self.now()), callback)

    async def sleep(self, seconds: float) -> None:
        """Wait so many seconds."""
        await asyncio.sleep(max(0.0, seconds))

    async def sleep_until(self, when: float) -> None:
        """Wait until `now()` has reached `when`; the event loop's timers may be a little early."""
        while (left := when - self.now()) > 0:  # noqa: ASYNC110 - time is what is awaited
            await asyncio.sleep(left)


class Alarm:
    """Wakes one waiting task: at a time, or when somebody rings, whichever is first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._event = asyncio.Event()

    def ring(self) -> None:
        """Wake the waiting task, or the next one to wait."""
        self._event.set()

    async def wait(self, until: float | None) -> None:
        """Return at `until` (None: never) or when rung."""
        timer = None if until is None else self._clock.call_at(until, self._event.set)
        try:
            await self._event.wait()
        finally:
            if timer is not None:
                timer.cancel()
        self._event.clear()


class Deadline:
    """`asyncio.timeout_at` for an injected clock: TimeoutError comes out of its block at `when`."""

    def __init__(self, clock: Clock, when: float) -> None:
        self._clock = clock
        self._when = when
        self._expired = False

    async def __aenter__(self) -> Self:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a deadline needs a task to interrupt")
        self._task = task
        self._cancelling = task.cancelling()
        self._timer = self._clock.call_at(self._when, self._expire)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        if not self._expired:
            return
        # Somebody else's cancellation at the same moment goes on as one.
        ours_alone = self._task.uncancel() <= self._cancelling
        if ours_alone and kind is not None and issubclass(kind, asyncio.CancelledError):
            raise TimeoutError("the deadline has passed") from error

    def _expire(self) -> None:
        self._expired = True
        self._task.cancel()
