"""Looks: at the interval, one at a time, in the background; and never a loop of failures."""

import asyncio

import pytest

from resilience_operator.api.v1alpha1.rollout_status import RolloutStatus
from resilience_operator.controller.rollouts.looks import OUR_FAILURE, Looks
from resilience_operator.controller.rollouts.state import RolloutState
from resilience_operator.core.model import Key
from resilience_operator.core.rollout.model import MetricView
from resilience_operator.core.times import to_rfc3339
from tests.fakes.clock import FakeClock
from tests.unit.controller.rollouts.bench import KEY, Sources
from tests.unit.core.rollout.world import latency, make_rollout


class Bench:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.sources = Sources()
        self.done: list[Key] = []
        self.failures: list[None] = []
        self.looks = Looks(
            self.sources, self.clock.now, self.done.append, lambda: self.failures.append(None)
        )
        began = to_rfc3339(self.clock.now())
        status = RolloutStatus(window_started_at=began)
        self.state = RolloutState("uid", status, make_rollout(latency()))

    async def look(self) -> None:
        self.looks.take(KEY, self.state)
        await self.clock.settle()


async def test_one_look_at_the_interval() -> None:
    bench = Bench()
    await bench.look()
    assert (bench.state.fresh, bench.done) == (True, [KEY])
    await bench.look()
    assert len(bench.sources.windows) == 1
    await bench.clock.advance(15.0)
    await bench.look()
    assert bench.sources.windows == [1, 15]


async def test_one_at_a_time() -> None:
    bench = Bench()
    bench.sources.answer.clear()
    await bench.look()
    await bench.look()
    assert len(bench.sources.windows) == 1
    assert bench.done == []
    bench.sources.answer.set()
    await bench.clock.settle()
    assert (bench.done, bench.state.looking) == ([KEY], None)


async def test_a_window_that_ends_during_a_look_is_the_one_it_was_asked_for() -> None:
    bench = Bench()
    asked_for = bench.state.status.window_started_at
    bench.sources.answer.clear()
    await bench.look()
    bench.state.status = RolloutStatus(window_started_at=to_rfc3339(bench.clock.now() + 60))
    bench.sources.answer.set()
    await bench.clock.settle()
    assert bench.state.look is not None
    assert bench.state.look.window_started_at == asked_for


async def test_values_are_kept_for_as_long_as_the_window_lasts() -> None:
    bench = Bench()
    bench.sources.views = {"p95": MetricView("p95", stable_values=(0.1,), canary_values=(0.2,))}
    for _ in range(3):
        await bench.look()
        await bench.clock.advance(15.0)
    assert bench.state.look is not None
    assert bench.state.look.metrics["p95"].canary_values == (0.2, 0.2, 0.2)
    bench.state.status = RolloutStatus(window_started_at=to_rfc3339(bench.clock.now()))
    await bench.look()
    assert bench.state.look.metrics["p95"].canary_values == (0.2,)


async def test_our_own_failure_is_no_figure_and_no_loop(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = Bench()
    bench.sources.failure = RuntimeError("ours")
    await bench.look()
    assert (bench.state.fresh, bench.done, len(bench.failures)) == (True, [KEY], 1)
    assert bench.state.look is not None
    # An empty look of this window: held as Blind, and nothing from before goes on counting.
    assert bench.state.look.window_started_at == bench.state.status.window_started_at
    assert bench.state.look.metrics == {"p95": MetricView("p95", problem=OUR_FAILURE)}
    assert "a look at retail/inventario failed" in caplog.text
    await bench.look()
    assert len(bench.sources.windows) == 1


async def test_a_look_that_is_cancelled_says_so_and_is_over() -> None:
    bench = Bench()
    bench.sources.answer.clear()
    await bench.look()
    task = bench.state.looking
    assert task is not None
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert bench.state.looking is None
