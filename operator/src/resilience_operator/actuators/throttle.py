"""Holds a stream of writes to a rate and to a number in flight.

One outage touches the pods of many policies at once; without a limit the API server would get all
of those writes in the same second, just when the cluster has other worries.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from types import TracebackType


class Throttle:
    """`async with throttle:` around each write. Waiters are served in the order they came.

    A virtual time is kept at which the bucket would be full again; each write moves it on by
    1/rate, and waits for as much of it as exceeds the burst.
    """

    def __init__(
        self,
        rate: float,
        burst: int,
        concurrency: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._interval = 1.0 / rate
        self._tolerance = (burst - 1) / rate
        self._slots = asyncio.Semaphore(concurrency)
        self._clock = clock
        self._sleep = sleep
        self._due = float("-inf")

    async def __aenter__(self) -> None:
        await self._slots.acquire()
        try:
            await self._wait()
        except BaseException:  # a cancelled waiter gives its slot back
            self._slots.release()
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._slots.release()

    async def _wait(self) -> None:
        now = self._clock()
        due = max(self._due, now)
        self._due = due + self._interval
        delay = due - self._tolerance - now
        if delay > 0:
            await self._sleep(delay)
