import asyncio

import pytest

from resilience_operator.runtime.clock import Alarm, Deadline, SystemClock
from tests.fakes.clock import FakeClock


async def test_sleepers_wake_each_at_their_own_time_in_order() -> None:
    clock = FakeClock(100.0)
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((name, clock.now()))
        await clock.sleep(1)
        woken.append((name, clock.now()))

    tasks = [asyncio.create_task(sleeper(n, s)) for n, s in (("late", 3), ("early", 2.5))]
    await clock.advance(3.2)
    assert woken == [("early", 102.5), ("late", 103.0)]
    await clock.advance(10)
    assert woken[2:] == [("early", 103.5), ("late", 104.0)]
    await asyncio.gather(*tasks)


async def test_a_jump_wakes_sleepers_late() -> None:
    clock = FakeClock(0.0)
    sleeper = asyncio.create_task(clock.sleep_until(1.0))
    await clock.settle()
    await clock.jump(50.0)
    assert sleeper.done()
    assert clock.now() == 50.0


async def test_the_system_clock_tells_seconds_since_the_epoch_and_waits() -> None:
    clock = SystemClock()
    before = clock.now()
    assert before > 1_700_000_000
    await clock.sleep_until(before + 0.002)
    assert clock.now() >= before + 0.002
    await clock.sleep(-1)
    rung = asyncio.Event()
    clock.call_at(clock.now() - 5, rung.set)
    await rung.wait()


class TestAlarm:
    async def test_it_wakes_at_the_time(self) -> None:
        clock = FakeClock(0.0)
        waiter = asyncio.create_task(Alarm(clock).wait(5.0))
        await clock.advance(4.9)
        assert not waiter.done()
        await clock.advance(0.1)
        assert waiter.done()

    async def test_it_wakes_when_rung_and_each_ring_counts_once(self) -> None:
        clock = FakeClock(0.0)
        alarm = Alarm(clock)
        alarm.ring()
        await alarm.wait(None)
        waiter = asyncio.create_task(alarm.wait(None))
        await clock.settle()
        assert not waiter.done()
        alarm.ring()
        await waiter


class TestDeadline:
    async def test_it_ends_its_block_and_only_that(self) -> None:
        clock = FakeClock(0.0)

        async def work() -> str:
            with pytest.raises(TimeoutError):
                async with Deadline(clock, 1.0):
                    await asyncio.Event().wait()
            await clock.sleep(1)
            return "went on"

        task = asyncio.create_task(work())
        await clock.advance(2)
        assert await task == "went on"

    async def test_in_time_it_does_nothing(self) -> None:
        clock = FakeClock(0.0)
        async with Deadline(clock, 1.0):
            pass
        await clock.advance(2)

    async def test_a_cancellation_by_others_stays_one(self) -> None:
        clock = FakeClock(0.0)

        async def work() -> None:
            async with Deadline(clock, 1.0):
                await asyncio.Event().wait()

        task = asyncio.create_task(work())
        await clock.settle()
        task.cancel()
        await clock.jump(2.0)
        assert task.cancelled()
