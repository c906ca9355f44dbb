"""The rate of writes, on a clock of the test's own."""

import asyncio

import pytest

from resilience_operator.actuators.throttle import Throttle


class Time:
    """Sleeping moves it on at once."""

    def __init__(self) -> None:
        self.now = 100.0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


async def moments(throttle: Throttle, time: Time, count: int) -> list[float]:
    found = []
    for _ in range(count):
        async with throttle:
            found.append(round(time.now - 100.0, 3))
    return found


async def test_a_burst_passes_at_once_and_the_rest_at_the_rate() -> None:
    time = Time()
    throttle = Throttle(10.0, 3, 5, clock=time.clock, sleep=time.sleep)
    assert await moments(throttle, time, 6) == [0.0, 0.0, 0.0, 0.1, 0.2, 0.3]


async def test_a_pause_fills_the_bucket_no_further_than_the_burst() -> None:
    time = Time()
    throttle = Throttle(10.0, 2, 5, clock=time.clock, sleep=time.sleep)
    await moments(throttle, time, 2)
    time.now = 200.0
    assert await moments(throttle, time, 3) == [100.0, 100.0, 100.1]


async def test_no_more_than_so_many_are_in_flight() -> None:
    throttle = Throttle(1e6, 1000, 2)
    running = most = 0

    async def write() -> None:
        nonlocal running, most
        async with throttle:
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1

    await asyncio.gather(*(write() for _ in range(10)))
    assert most == 2


async def test_a_cancelled_waiter_gives_its_slot_back() -> None:
    waits = iter([asyncio.Event().wait, lambda: asyncio.sleep(0)])

    async def sleep(seconds: float) -> None:
        await next(waits)()

    throttle = Throttle(1.0, 1, 1, clock=lambda: 0.0, sleep=sleep)
    async with throttle:
        pass
    waiter = asyncio.create_task(throttle.__aenter__())
    await asyncio.sleep(0)
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    async with asyncio.timeout(1), throttle:
        pass
