import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from resilience_operator.runtime.elector import LeaderElector, LeadershipLost, LeaseTiming
from tests.fakes.clock import FakeClock

START = 1_700_000_000.0


@dataclass(frozen=True)
class Record:
    holder: str
    duration_seconds: int
    acquired_at: float
    renewed_at: float
    transitions: int
    version: str


class MemoryStore:
    """One lease, with optimistic concurrency and several ways to fail."""

    def __init__(self) -> None:
        self.record: Record | None = None
        self.writes = 0
        self.failing = False
        self.hanging = False
        self.lost_answers = 0  # so many writes are stored but answered with an error
        self.swallowed_answers = 0  # so many are stored and never answered

    async def read(self) -> Record | None:
        await self._trouble()
        return self.record

    async def write(
        self,
        *,
        holder: str,
        duration_seconds: int,
        acquired_at: float,
        renewed_at: float,
        transitions: int,
        version: str | None,
    ) -> Record:
        await self._trouble()
        if version != (None if self.record is None else self.record.version):
            raise RuntimeError("conflict")
        self.writes += 1
        self.record = Record(
            holder, duration_seconds, acquired_at, renewed_at, transitions, f"v{self.writes}"
        )
        if self.lost_answers:
            self.lost_answers -= 1
            raise TimeoutError
        if self.swallowed_answers:
            self.swallowed_answers -= 1
            await asyncio.Event().wait()
        return self.record

    async def _trouble(self) -> None:
        if self.hanging:
            await asyncio.Event().wait()
        if self.failing:
            raise ConnectionError("no API server")


class Replica:
    """An elector with what it does, in a task of its own."""

    def __init__(self, name: str, store: MemoryStore, clock: FakeClock) -> None:
        self.changes: list[bool] = []
        self.errors: list[Exception] = []
        self.led_until: list[float] = []
        self.clock = clock
        self.work: Callable[[], None] = lambda: None
        self.done = asyncio.Event()
        self.stubborn = False
        self.elector = LeaderElector(
            store,
            name,
            clock,
            on_change=self.changes.append,
            on_error=self.errors.append,
            jitter=lambda: 0.0,
        )
        self.task = asyncio.create_task(self.elector.run(self.lead))

    async def lead(self) -> None:
        try:
            self.work()
            await self.done.wait()
        except asyncio.CancelledError:
            self.led_until.append(self.clock.now())
            if self.stubborn:
                await asyncio.Event().wait()
            raise

    @property
    def leads(self) -> bool:
        return self.elector.is_leader

    def kill(self) -> None:
        """As SIGKILL: nothing is given back. (Its memory of holding the lease is erased.)"""
        self.elector._record = None
        self.task.cancel()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(START)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


async def end(*replicas: Replica) -> None:
    for replica in replicas:
        replica.task.cancel()
    await asyncio.gather(*(r.task for r in replicas), return_exceptions=True)


async def test_one_of_two_leads_and_renews(clock: FakeClock, store: MemoryStore) -> None:
    a, b = Replica("a", store, clock), Replica("b", store, clock)
    await clock.advance(300)
    assert [a.leads, b.leads] == [True, False]
    assert store.record is not None
    assert (store.record.holder, store.record.acquired_at) == ("a", START)
    assert store.record.renewed_at >= START + 298
    assert store.record.transitions == 0
    await end(a, b)


async def test_a_leader_that_stops_gives_the_lease_back_and_the_other_takes_over_at_once(
    clock: FakeClock, store: MemoryStore
) -> None:
    a, b = Replica("a", store, clock), Replica("b", store, clock)
    await clock.advance(5)
    a.elector.stop()
    await clock.settle()
    assert a.task.done()
    assert a.task.exception() is None
    assert store.record is not None
    assert (store.record.holder, store.record.duration_seconds) == ("", 1)
    await clock.advance(2.1)
    assert b.leads
    assert store.record.transitions == 1
    assert a.changes == [True, False]
    await end(a, b)


async def test_a_cancelled_leader_gives_it_back_too(clock: FakeClock, store: MemoryStore) -> None:
    a = Replica("a", store, clock)
    await clock.advance(5)
    await end(a)
    assert a.task.cancelled()
    assert store.record is not None
    assert store.record.holder == ""


async def test_a_leader_that_was_killed_is_followed_after_the_lease_has_run_out(
    clock: FakeClock, store: MemoryStore
) -> None:
    a, b = Replica("a", store, clock), Replica("b", store, clock)
    await clock.advance(30)
    a.kill()
    await clock.advance(12)
    assert not b.leads
    await clock.advance(6)
    assert b.leads
    await end(b)


async def test_the_others_wall_clock_is_not_believed(clock: FakeClock, store: MemoryStore) -> None:
    store.record = Record("other", 15, START - 9e6, START - 9e6, 3, "v0")
    a = Replica("a", store, clock)
    await clock.advance(14)
    assert not a.leads, "it may well be alive: its clock may be wrong"
    store.record = replace(store.record, version="v0b")
    await clock.advance(14)
    assert not a.leads, "it renewed"
    await clock.advance(4)
    assert a.leads
    assert store.record.transitions == 4
    await end(a)


async def test_an_outage_of_the_store_ends_leadership_before_others_may_begin(
    clock: FakeClock, store: MemoryStore
) -> None:
    a, b = Replica("a", store, clock), Replica("b", store, clock)
    await clock.advance(10)
    store.failing = True
    await clock.advance(7)
    assert a.leads, "a short outage is survived"
    await clock.advance(4)
    assert isinstance(a.task.exception(), LeadershipLost)
    assert a.led_until
    assert a.led_until[0] <= START + 20
    assert a.errors
    store.failing = False
    await clock.advance(16)
    assert b.leads
    await end(b)


@pytest.mark.parametrize("seconds", [4, 7])
async def test_a_short_outage_is_survived(
    clock: FakeClock, store: MemoryStore, seconds: float
) -> None:
    a = Replica("a", store, clock)
    await clock.advance(10)
    store.failing = True
    await clock.advance(seconds)
    store.failing = False
    await clock.advance(100)
    assert a.leads
    assert a.changes == [True]
    await end(a)


async def test_a_store_that_hangs_is_as_good_as_none(clock: FakeClock, store: MemoryStore) -> None:
    a = Replica("a", store, clock)
    await clock.advance(10)
    store.hanging = True
    await clock.advance(11)
    assert isinstance(a.task.exception(), LeadershipLost)
    assert a.led_until[0] <= START + 20


async def test_one_answer_that_is_lost_does_not_cost_the_lease(
    clock: FakeClock, store: MemoryStore
) -> None:
    a = Replica("a", store, clock)
    await clock.advance(10)
    store.lost_answers = 1
    await clock.advance(30)
    assert a.leads
    assert a.changes == [True]
    await end(a)


async def test_nor_does_one_that_is_waited_for_in_vain(
    clock: FakeClock, store: MemoryStore
) -> None:
    a = Replica("a", store, clock)
    await clock.advance(10)
    store.swallowed_answers = 1
    await clock.advance(30)
    assert a.leads
    assert a.changes == [True]
    await end(a)


async def test_a_lost_answer_to_the_first_write_only_delays_it(
    clock: FakeClock, store: MemoryStore
) -> None:
    store.lost_answers = 1
    a = Replica("a", store, clock)
    await clock.advance(3)
    assert a.leads
    assert store.record is not None
    assert store.record.transitions == 0
    await end(a)


async def test_a_leader_that_finds_another_in_its_place_stops_at_once(
    clock: FakeClock, store: MemoryStore
) -> None:
    a = Replica("a", store, clock)
    await clock.advance(10)
    store.record = Record("usurper", 15, START, START, 1, "stolen")
    await clock.advance(2.1)
    assert isinstance(a.task.exception(), LeadershipLost)
    assert store.record.holder == "usurper"


async def test_a_lease_that_was_deleted_is_lost(clock: FakeClock, store: MemoryStore) -> None:
    a = Replica("a", store, clock)
    await clock.advance(10)
    store.record = None
    await clock.advance(2.1)
    assert isinstance(a.task.exception(), LeadershipLost)


async def test_a_process_that_was_suspended_knows_before_it_acts(
    clock: FakeClock, store: MemoryStore
) -> None:
    a = Replica("a", store, clock)
    await clock.advance(10)
    clock._now += 60  # nothing has run yet
    assert not a.leads
    await clock.jump(0)
    assert isinstance(a.task.exception(), LeadershipLost)


async def test_what_others_are_told_to_wait_is_never_less_than_the_lease(
    clock: FakeClock, store: MemoryStore
) -> None:
    for seconds, told in ((0.4, 1), (2.4, 3), (15.0, 15)):
        timing = LeaseTiming(seconds, seconds / 2, seconds / 4)
        elector = LeaderElector(store, "a", clock, timing)
        task = asyncio.create_task(elector.run(asyncio.Event().wait))  # type: ignore[arg-type]
        await clock.settle()
        assert store.record is not None
        assert store.record.duration_seconds == told
        elector.stop()
        await clock.settle()
        await task


async def test_work_that_ends_gives_the_lease_back(clock: FakeClock, store: MemoryStore) -> None:
    a = Replica("a", store, clock)
    await clock.advance(5)
    a.done.set()
    await clock.settle()
    assert a.task.done()
    assert a.task.exception() is None
    assert store.record is not None
    assert store.record.holder == ""


async def test_work_that_dies_gives_the_lease_back_and_is_heard_of(
    clock: FakeClock, store: MemoryStore
) -> None:
    def die() -> None:
        raise RuntimeError("a bug")

    a = Replica("a", store, clock)
    a.work = die
    await clock.settle()
    assert isinstance(a.task.exception(), RuntimeError)
    assert store.record is not None
    assert store.record.holder == ""


async def test_work_that_does_not_let_go_keeps_the_lease_from_being_given_back(
    clock: FakeClock, store: MemoryStore
) -> None:
    a = Replica("a", store, clock)
    a.stubborn = True
    await clock.advance(5)
    a.elector.stop()
    await clock.advance(6)
    assert a.led_until == [START + 5]
    assert store.record is not None
    assert store.record.holder == "a", "it may still be writing"
    a.task.cancel()


async def test_a_store_that_fails_at_the_start_is_tried_again(
    clock: FakeClock, store: MemoryStore
) -> None:
    store.failing = True
    a = Replica("a", store, clock)
    await clock.advance(60)
    assert not a.leads
    store.failing = False
    await clock.advance(2)
    assert a.leads
    await end(a)


async def test_one_that_stands_by_can_be_stopped(clock: FakeClock, store: MemoryStore) -> None:
    a, b = Replica("a", store, clock), Replica("b", store, clock)
    await clock.advance(5)
    b.elector.stop()
    await clock.settle()
    assert b.task.done()
    assert b.changes == []
    assert a.leads
    await end(a)


async def test_a_failing_release_is_reported_only(clock: FakeClock, store: MemoryStore) -> None:
    a = Replica("a", store, clock)
    await clock.advance(5)
    store.failing = True
    a.elector.stop()
    await clock.advance(3)
    assert a.task.exception() is None
    assert len(a.errors) == 1


async def test_at_no_time_do_two_lead_whoever_is_killed_or_cut_off(
    clock: FakeClock, store: MemoryStore
) -> None:
    replicas = [Replica(f"r{n}", store, clock) for n in range(3)]
    for second in range(400):
        await clock.advance(0.5)
        assert sum(replica.leads for replica in replicas) <= 1
        if second % 90 == 45:
            store.failing = True
        if second % 90 == 70:
            store.failing = False
        for n, replica in enumerate(replicas):
            if replica.task.done():
                replica.task.exception()
                replicas[n] = Replica(f"r{n}.{second}", store, clock)
    await end(*replicas)
