"""Measures how late the event loop wakes a sleeper: the first sign that something blocks it.

Everything here shares one loop, so a library that blocks for a second delays every probe by one,
and so does a node that has no processor time left for us.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

_INTERVAL_SECONDS = 0.25


class LoopLag:
    """How much time the loop has lost so far."""

    def __init__(
        self,
        lagged: Callable[[float], None],
        *,
        interval: float = _INTERVAL_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`lagged` is told the lag of each wake-up, in seconds."""
        self._lagged = lagged
        self._interval = interval
        self._clock = clock
        self._sleep = sleep
        self._lost = 0.0
        self._expected: float | None = None

    def lost(self) -> float:
        """Seconds lost since the watch began, those of a wake-up that is late just now included."""
        return self._lost + self._late()

    async def watch(self) -> None:
        """Measure until cancelled."""
        while True:
            self._expected = self._clock() + self._interval
            await self._sleep(self._interval)
            late = self._late()
            self._lost += late
            self._expected = None
            self._lagged(late)

    def _late(self) -> float:
        return 0.0 if self._expected is None else max(0.0, self._clock() - self._expected)
