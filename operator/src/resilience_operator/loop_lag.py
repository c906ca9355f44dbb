"""Measures how late the event loop wakes a sleeper: the first sign that something blocks it.

Everything here shares one loop, so a library that blocks for a second delays every probe by one.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

_INTERVAL_SECONDS = 0.25


async def watch_loop(
    lagged: Callable[[float], None],
    *,
    interval: float = _INTERVAL_SECONDS,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Report the lag of each wake-up, in seconds, until cancelled."""
    while True:
        asked = clock()
        await sleep(interval)
        lagged(max(0.0, clock() - asked - interval))
