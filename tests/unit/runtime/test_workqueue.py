import asyncio
from collections import Counter
from collections.abc import Hashable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resilience_operator.runtime.workqueue import WorkQueue
from tests.fakes.clock import FakeClock


class Runs:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.seen: list[tuple[Hashable, float, Exception | None]] = []

    def run_finished(self, key: Hashable, seconds: float, error: Exception | None) -> None:
        self.seen.append((key, seconds, error))


class Worker:
    """A handler that takes some time and can be told to fail."""

    def __init__(self, clock: FakeClock, seconds: float = 0.0) -> None:
        self.clock = clock
        self.seconds = seconds
        self.starts: list[tuple[str, float]] = []
        self.failures: dict[str, list[Exception]] = {}
        self.now_running: Counter[str] = Counter()
        self.most_at_once = 0

    async def __call__(self, key: str) -> None:
        self.starts.append((key, self.clock.now()))
        self.now_running[key] += 1
        assert self.now_running[key] == 1, "a key must not run twice at once"
        self.most_at_once = max(self.most_at_once, self.now_running.total())
        try:
            if self.seconds:
                await self.clock.sleep(self.seconds)
            if self.failures.get(key):
                raise self.failures[key].pop(0)
        finally:
            self.now_running[key] -= 1


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(0.0)


@pytest.fixture
def runs() -> Runs:
    return Runs()


@pytest.fixture
def queue(clock: FakeClock, runs: Runs) -> WorkQueue[str]:
    return WorkQueue(clock, runs, workers=2, jitter=lambda: 1.0)


async def finish(queue: WorkQueue[str], task: asyncio.Task[None]) -> None:
    queue.stop()
    await task


async def test_hints_before_a_run_are_one_run_and_during_it_one_more(
    clock: FakeClock, queue: WorkQueue[str]
) -> None:
    worker = Worker(clock, seconds=1.0)
    for _ in range(5):
        queue.add("a")
    task = asyncio.create_task(queue.run(worker))
    await clock.advance(0.5)
    for _ in range(5):
        queue.add("a")
    assert queue.depth == 1
    await clock.advance(5)
    assert worker.starts == [("a", 0.0), ("a", 1.0)]
    await finish(queue, task)


async def test_so_many_keys_at_once_and_no_more(clock: FakeClock, queue: WorkQueue[str]) -> None:
    worker = Worker(clock, seconds=1.0)
    task = asyncio.create_task(queue.run(worker))
    for key in "abcde":
        queue.add(key)
    await clock.advance(3)
    assert worker.most_at_once == 2
    assert [key for key, _ in worker.starts] == list("abcde")
    await finish(queue, task)


async def test_of_several_times_the_earliest_counts(
    clock: FakeClock, queue: WorkQueue[str]
) -> None:
    worker = Worker(clock)
    task = asyncio.create_task(queue.run(worker))
    queue.add_at("a", 9.0)
    queue.add_at("a", 4.0)
    queue.add_at("a", 7.0)
    assert queue.delayed == 1
    await clock.advance(20)
    assert worker.starts == [("a", 4.0)]
    await finish(queue, task)


async def test_a_failing_key_comes_again_later_and_later_until_it_succeeds(
    clock: FakeClock, queue: WorkQueue[str], runs: Runs
) -> None:
    worker = Worker(clock)
    worker.failures["a"] = [RuntimeError() for _ in range(9)]
    task = asyncio.create_task(queue.run(worker))
    queue.add("a")
    await clock.advance(1)
    assert queue.retries == 1
    await clock.advance(400)
    waits = [b - a for (_, a), (_, b) in zip(worker.starts, worker.starts[1:], strict=False)]
    assert waits == [0.5, 1, 2, 4, 8, 16, 32, 60, 60]
    assert queue.retries == queue.delayed == queue.depth == 0
    assert [error is None for _, _, error in runs.seen] == [False] * 9 + [True]
    worker.failures["a"] = [RuntimeError()]
    queue.add("a")
    await clock.advance(0.5)
    assert len(worker.starts) == 12, "success forgets the failures"
    await finish(queue, task)


async def test_an_error_may_ask_for_patience(clock: FakeClock, queue: WorkQueue[str]) -> None:
    class BusyError(Exception):
        retry_after = 20.0

    worker = Worker(clock)
    worker.failures["a"] = [BusyError()]
    task = asyncio.create_task(queue.run(worker))
    queue.add("a")
    await clock.advance(30)
    assert worker.starts == [("a", 0.0), ("a", 20.0)]
    await finish(queue, task)


async def test_stopping_cancels_what_runs_and_loses_no_key(
    clock: FakeClock, queue: WorkQueue[str], runs: Runs
) -> None:
    worker = Worker(clock, seconds=100.0)
    task = asyncio.create_task(queue.run(worker))
    queue.add("a")
    await clock.advance(1)
    await finish(queue, task)
    assert worker.now_running.total() == 0
    assert runs.seen == []
    assert queue.delayed == 1


async def test_a_handler_that_cancels_itself_is_run_again(
    clock: FakeClock, queue: WorkQueue[str]
) -> None:
    starts = 0

    async def handler(key: str) -> None:
        nonlocal starts
        starts += 1
        if starts == 1:
            raise asyncio.CancelledError

    task = asyncio.create_task(queue.run(handler))
    queue.add("a")
    await clock.advance(10)
    assert starts == 2
    await finish(queue, task)


# What happens to a queue: (seconds from the one before, key, seconds to wait or None for now).
hints = st.lists(
    st.tuples(st.floats(0, 3), st.sampled_from("abc"), st.none() | st.floats(0, 5)), max_size=30
)


@settings(max_examples=60, deadline=None)
@given(hints, st.integers(1, 3), st.dictionaries(st.sampled_from("abc"), st.integers(0, 3)))
def test_no_key_runs_twice_at_once_and_none_is_lost(
    hints: list[tuple[float, str, float | None]], workers: int, failures: dict[str, int]
) -> None:
    asyncio.run(story(hints, workers, failures))


async def story(
    hints: list[tuple[float, str, float | None]], workers: int, failures: dict[str, int]
) -> None:
    clock = FakeClock(0.0)
    queue: WorkQueue[str] = WorkQueue(clock, Runs(), workers)
    worker = Worker(clock, seconds=0.7)
    worker.failures = {key: [RuntimeError()] * count for key, count in failures.items()}
    task = asyncio.create_task(queue.run(worker))
    owed: dict[str, float] = {}
    for pause, key, wait in hints:
        await clock.advance(pause)
        if wait is None:
            queue.add(key)
            owed[key] = clock.now()
        else:
            queue.add_at(key, clock.now() + wait)
            owed.setdefault(key, clock.now())
    await clock.advance(1000)
    for key, since in owed.items():
        assert any(name == key and at >= since for name, at in worker.starts)
    assert queue.depth == queue.delayed == queue.retries == 0
    assert worker.most_at_once <= workers
    await finish(queue, task)
