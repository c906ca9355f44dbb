import asyncio
import itertools
import math
from collections.abc import AsyncIterator, Hashable

import pytest

from resilience_operator.api.v1alpha1.policy_status import FailureReason
from resilience_operator.core.model import ProbeResult, Verdict
from resilience_operator.runtime.pool import ProbePool
from tests.fakes.clock import FakeClock
from tests.unit.runtime.pool_fakes import FakeObserver, FakeProber, FakeSubscriber, make_target

START = 1_700_000_000.0


class Stage:
    """A running pool and everything around it."""

    def __init__(self) -> None:
        self.clock = FakeClock(START)
        self.prober = FakeProber(self.clock)
        self.observer = FakeObserver()
        self.pool = ProbePool(
            self.prober, self.clock, self.observer, max_in_flight=20, max_per_endpoint=4
        )

    def starts(self, name: str) -> list[float]:
        """Seconds since the start at which that target was probed."""
        return [round(at - START, 3) for at in self.prober.starts.get(f"{name}:80", [])]


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    stage = Stage()
    running = asyncio.create_task(stage.pool.run())
    yield stage
    stage.pool.stop()
    await running
    assert stage.prober.out.total() == 0
    assert stage.pool.in_flight == 0


class TestPace:
    async def test_a_policy_on_its_own_is_probed_at_once(self, stage: Stage) -> None:
        stage.pool.subscribe("s", make_target("db"), FakeSubscriber())
        await stage.clock.advance(0.02)
        assert len(stage.starts("db")) == 1

    async def test_a_thousand_policies_do_not_go_out_at_once(self, stage: Stage) -> None:
        for n in range(1000):
            stage.pool.subscribe(n, make_target(f"t{n}"), FakeSubscriber())
        await stage.clock.advance(10)
        first = sorted(stage.starts(f"t{n}")[0] for n in range(1000))
        assert first[-1] <= 10
        busiest = max(sum(s <= at < s + 0.1 for at in first) for s in first)
        assert busiest < 200
        await stage.clock.advance(100)
        before = len(stage.observer.lags)
        await stage.clock.advance(1)
        assert 70 < len(stage.observer.lags) - before < 140, "a thousand every ten seconds"

    async def test_a_newcomer_need_not_wait_for_the_established(self, stage: Stage) -> None:
        for n in range(1000):
            stage.pool.subscribe(n, make_target(f"t{n}"), FakeSubscriber())
        await stage.clock.advance(15)
        stage.pool.subscribe("new", make_target("new"), FakeSubscriber())
        await stage.clock.advance(0.02)
        assert len(stage.starts("new")) == 1

    async def test_the_usual_pace_does_not_drift_whatever_the_latency(self, stage: Stage) -> None:
        stage.prober.seconds = 0.8
        stage.pool.subscribe("s", make_target("db"), FakeSubscriber())
        await stage.clock.advance(1000)
        starts = stage.starts("db")
        gaps = {round(b - a, 2) for a, b in itertools.pairwise(starts[1:])}
        assert gaps == {10.0}
        assert len(starts) in (100, 101)

    async def test_after_a_common_outage_targets_go_back_to_their_own_places(
        self, stage: Stage
    ) -> None:
        subscribers = [FakeSubscriber(wait=1.0) for _ in range(20)]
        for n, subscriber in enumerate(subscribers):
            stage.pool.subscribe(n, make_target(f"t{n}"), subscriber, first_due=START + 5)
        await stage.clock.advance(7.5)
        assert {tuple(stage.starts(f"t{n}")) for n in range(20)} == {(5.0, 6.0, 7.0)}
        for subscriber in subscribers:
            subscriber.wait = 10.0
        await stage.clock.advance(30)
        assert len({stage.starts(f"t{n}")[-1] for n in range(20)}) == 20

    async def test_wishes_for_sooner_are_met_but_never_in_a_busy_loop(self, stage: Stage) -> None:
        subscriber = FakeSubscriber(wait=-100.0)
        stage.pool.subscribe("s", make_target("db"), subscriber, first_due=START)
        await stage.clock.advance(0.9)
        assert stage.starts("db") == [0.0, 0.2, 0.4, 0.6, 0.8]

    async def test_a_breakers_trial_is_due_to_the_second(self, stage: Stage) -> None:
        subscriber = FakeSubscriber(wait=15.0)
        stage.pool.subscribe("s", make_target("db"), subscriber, first_due=START)
        await stage.clock.advance(40)
        assert stage.starts("db") == [0.0, 15.0, 30.0]

    async def test_a_subscriber_that_never_wants_more_is_asked_again_anyway(
        self, stage: Stage
    ) -> None:
        subscriber = FakeSubscriber(wait=math.inf)
        stage.pool.subscribe("s", make_target("db"), subscriber, first_due=START)
        await stage.clock.advance(3601)
        assert stage.starts("db") == [0.0, 3600.0]

    async def test_the_lag_is_the_time_from_due_to_start(self, stage: Stage) -> None:
        stage.pool.subscribe("s", make_target("db"), FakeSubscriber(), first_due=START + 1)
        await stage.clock.jump(3.5)
        assert stage.observer.lags == [2.5]


class TestSharing:
    async def test_two_policies_share_one_probe_and_each_gets_every_result(
        self, stage: Stage
    ) -> None:
        one, two = FakeSubscriber(), FakeSubscriber()
        stage.pool.subscribe("one", make_target("db"), one, first_due=START)
        stage.pool.subscribe("two", make_target("db"), two, first_due=START)
        await stage.clock.advance(25)
        assert one.times == two.times
        assert len(stage.starts("db")) == 3
        assert (stage.pool.targets, stage.pool.subscriptions) == (1, 2)

    async def test_a_shared_probe_goes_when_the_first_of_them_wants_it(self, stage: Stage) -> None:
        slow, fast = FakeSubscriber(wait=60.0), FakeSubscriber(wait=2.0)
        stage.pool.subscribe("slow", make_target("db", interval=60.0), slow, first_due=START)
        stage.pool.subscribe("fast", make_target("db"), fast, first_due=START)
        await stage.clock.advance(6.5)
        assert stage.starts("db") == [0.0, 2.0, 4.0, 6.0]

    async def test_a_shared_probe_keeps_to_the_longest_timeout(self, stage: Stage) -> None:
        stage.pool.subscribe("one", make_target("db", timeout=3), FakeSubscriber())
        stage.pool.subscribe("two", make_target("db", timeout=8), FakeSubscriber())
        await stage.clock.advance(1)
        assert set(stage.prober.timeouts) == {8}

    async def test_the_same_address_in_two_namespaces_is_two_probes(self, stage: Stage) -> None:
        for namespace in ("shop", "bank"):
            target = make_target("db", namespace=namespace)
            stage.pool.subscribe(namespace, target, FakeSubscriber(), first_due=START)
        await stage.clock.advance(1)
        assert stage.starts("db") == [0.0, 0.0]

    async def test_the_last_one_out_ends_the_probe(self, stage: Stage) -> None:
        subscriber = FakeSubscriber()
        stage.pool.subscribe("one", make_target("db"), subscriber)
        stage.pool.subscribe("two", make_target("db"), subscriber)
        await stage.clock.advance(1)
        stage.pool.unsubscribe("one")
        await stage.clock.advance(10)
        assert stage.prober.forgotten == []
        seen = len(subscriber.results)
        stage.pool.unsubscribe("two")
        stage.pool.unsubscribe("two")
        await stage.clock.advance(100)
        assert stage.prober.forgotten == ["db:80"]
        assert len(subscriber.results) == seen
        assert (stage.pool.targets, stage.pool.subscriptions) == (0, 0)

    async def test_a_target_that_was_never_probed_just_goes(self, stage: Stage) -> None:
        stage.pool.subscribe("s", make_target("db"), FakeSubscriber(), first_due=START + 5)
        stage.pool.unsubscribe("s")
        await stage.clock.advance(10)
        assert stage.starts("db") == stage.prober.forgotten == []

    async def test_a_subscription_that_moves_takes_its_place_with_it(self, stage: Stage) -> None:
        subscriber = FakeSubscriber()
        stage.pool.subscribe("s", make_target("old"), subscriber)
        await stage.clock.advance(1)
        stage.pool.subscribe("s", make_target("new"), subscriber)
        await stage.clock.advance(1)
        assert stage.prober.forgotten == ["old:80"]
        assert len(stage.starts("new")) == 1
        assert stage.pool.subscriptions == 1

    async def test_subscribing_anew_changes_nothing_about_the_pace(self, stage: Stage) -> None:
        subscriber = FakeSubscriber()
        for second in range(30):
            stage.pool.subscribe("s", make_target("db"), subscriber)
            await stage.clock.advance(1)
            assert len(stage.starts("db")) <= 2 + second // 10
        assert stage.prober.forgotten == []

    async def test_a_shorter_interval_is_heard_of_at_once(self, stage: Stage) -> None:
        subscriber = FakeSubscriber(wait=3000.0)
        stage.pool.subscribe("s", make_target("db", interval=3000.0), subscriber)
        await stage.clock.advance(1)
        stage.pool.subscribe("s", make_target("db", interval=5.0), subscriber)
        await stage.clock.advance(5)
        assert len(stage.starts("db")) == 2

    async def test_no_new_probe_while_the_prober_still_lets_go_of_the_old(
        self, stage: Stage
    ) -> None:
        stage.prober.forgetting = asyncio.Event()
        subscriber = FakeSubscriber()
        stage.pool.subscribe("s", make_target("db"), subscriber, first_due=START)
        await stage.clock.advance(1)
        stage.pool.unsubscribe("s")
        stage.pool.subscribe("s", make_target("db"), subscriber)
        await stage.clock.advance(1)
        assert stage.starts("db") == [0.0]
        stage.prober.forgetting.set()
        await stage.clock.advance(1)
        assert len(stage.starts("db")) == 2


class TestLimits:
    async def test_a_probe_in_flight_is_not_started_again(self, stage: Stage) -> None:
        stage.prober.hanging.add("db:80")
        stage.pool.subscribe("s", make_target("db", timeout=100.0), FakeSubscriber(wait=1.0))
        await stage.clock.advance(50)
        stage.pool.subscribe("t", make_target("db"), FakeSubscriber(), first_due=START)
        await stage.clock.advance(50)
        assert len(stage.starts("db")) == 1

    async def test_no_more_than_so_many_at_once(self, stage: Stage) -> None:
        stage.prober.seconds = 1.0
        subscriber = FakeSubscriber()
        for n in range(50):
            stage.pool.subscribe(n, make_target(f"t{n}"), subscriber, first_due=START)
        await stage.clock.advance(3.5)
        assert stage.prober.most_out == 20
        assert len(subscriber.results) == 50

    async def test_an_endpoint_that_hangs_leaves_slots_for_the_others(self, stage: Stage) -> None:
        stage.prober.hanging.add("dead:80")
        for n in range(50):
            target = make_target(f"dead{n}", endpoint="dead:80")
            stage.pool.subscribe(("dead", n), target, FakeSubscriber(), first_due=START)
        alive = FakeSubscriber()
        stage.pool.subscribe("alive", make_target("alive"), alive, first_due=START + 1)
        await stage.clock.advance(2)
        assert stage.pool.in_flight == 4
        assert alive.times == [START + 1]

    async def test_those_that_wait_for_their_endpoint_get_their_turn(self, stage: Stage) -> None:
        stage.prober.seconds = 0.5
        subscriber = FakeSubscriber()
        for n in range(12):
            target = make_target(f"t{n}", endpoint="busy:80")
            stage.pool.subscribe(n, target, subscriber, first_due=START)
        await stage.clock.settle()
        stage.pool.unsubscribe(5)
        await stage.clock.advance(2)
        assert len(subscriber.results) == 11
        assert stage.prober.most_out == 4
        assert sorted({round(lag, 3) for lag in stage.observer.lags}) == [0.0, 0.5, 1.0]

    async def test_a_turn_that_is_given_up_goes_to_the_next(self, stage: Stage) -> None:
        stage.prober.hanging |= {"busy:80", *(f"long{n}:80" for n in range(20))}
        for n in range(10):
            target = make_target(f"t{n}", endpoint="busy:80", timeout=1000)
            stage.pool.subscribe(n, target, FakeSubscriber(), first_due=START + 1)
        for n in range(16):
            target = make_target(f"long{n}", timeout=1000)
            stage.pool.subscribe(f"long{n}", target, FakeSubscriber(), first_due=START + 1)
        await stage.clock.advance(2)
        assert (stage.pool.in_flight, stage.prober.out["busy:80"]) == (20, 4)
        # Others are due before those that wait for their endpoint, and take what becomes free.
        for n in range(16, 20):
            target = make_target(f"long{n}", timeout=1000)
            stage.pool.subscribe(f"long{n}", target, FakeSubscriber(), first_due=START)
        for n in range(4):
            stage.pool.unsubscribe(n)
        await stage.clock.advance(1)
        assert (stage.pool.in_flight, stage.prober.out["busy:80"]) == (20, 0)
        for n in range(4, 8):
            stage.pool.unsubscribe(n)
        stage.pool.unsubscribe("long0")
        await stage.clock.advance(1)
        assert stage.prober.out["busy:80"] == 1


class TestFailures:
    async def test_one_subscribers_bug_hurts_neither_the_others_nor_the_pool(
        self, stage: Stage
    ) -> None:
        bad, good = FakeSubscriber(), FakeSubscriber()
        bad.failures = [RuntimeError("a bug")] * 100
        stage.pool.subscribe("bad", make_target("db"), bad, first_due=START)
        stage.pool.subscribe("good", make_target("db"), good, first_due=START)
        await stage.clock.advance(25)
        assert len(good.results) == len(bad.results) == 3
        assert len(stage.observer.subscriber_failures) == 3

    @pytest.mark.parametrize("error", [RuntimeError("a bug"), asyncio.CancelledError()])
    async def test_our_own_failure_is_unknown_and_no_verdict(
        self, stage: Stage, error: BaseException
    ) -> None:
        stage.prober.broken["db:80"] = error
        subscriber = FakeSubscriber()
        stage.pool.subscribe("s", make_target("db"), subscriber, first_due=START)
        await stage.clock.advance(15)
        results = [result for _, result in subscriber.results]
        assert {r.verdict for r in results} == {Verdict.UNKNOWN}
        assert {r.reason for r in results} == {FailureReason.INTERNAL}
        assert "a bug" not in results[0].message
        assert stage.observer.prober_failures == [error] * len(results)

    async def test_a_prober_that_forgets_its_timeout_is_cut_off(self, stage: Stage) -> None:
        stage.prober.hanging.add("db:80")
        subscriber = FakeSubscriber()
        stage.pool.subscribe("s", make_target("db", timeout=3.0), subscriber, first_due=START)
        await stage.clock.advance(9)
        assert [(r.verdict, r.at) for _, r in subscriber.results] == [(Verdict.UNKNOWN, START + 8)]
        assert [type(error) for error in stage.observer.prober_failures] == [TimeoutError]

    async def test_failing_to_forget_is_reported_and_over(self, stage: Stage) -> None:
        class Leaky(FakeProber):
            async def forget(self, namespace: str, spec: object) -> None:
                raise OSError("no")

        pool = ProbePool(Leaky(stage.clock), stage.clock, stage.observer)
        task = asyncio.create_task(pool.run())
        pool.subscribe("s", make_target("db"), FakeSubscriber())
        await stage.clock.advance(1)
        pool.unsubscribe("s")
        await stage.clock.settle()
        assert pool.targets == 0
        assert len(stage.observer.prober_failures) == 1
        pool.stop()
        await task


class TestEnding:
    async def test_unsubscribing_cancels_the_probe_in_flight_and_delivers_nothing(
        self, stage: Stage
    ) -> None:
        stage.prober.hanging.add("db:80")
        subscriber = FakeSubscriber()
        stage.pool.subscribe("s", make_target("db"), subscriber, first_due=START)
        await stage.clock.advance(1)
        assert stage.pool.in_flight == 1
        stage.pool.unsubscribe("s")
        await stage.clock.settle()
        assert stage.pool.in_flight == 0
        assert stage.prober.forgotten == ["db:80"]
        assert subscriber.results == []

    async def test_even_one_that_has_not_taken_its_first_step(self, stage: Stage) -> None:
        pool = stage.pool

        class Fickle(FakeSubscriber):
            def deliver(self, subscription: Hashable, result: ProbeResult) -> float:
                pool.unsubscribe("t9")
                return super().deliver(subscription, result)

        for n in range(10):
            pool.subscribe(f"t{n}", make_target(f"t{n}"), Fickle(), first_due=START)
        await stage.clock.settle()
        assert pool.in_flight == 0
        assert pool.targets == 9

    async def test_a_subscriber_may_leave_while_it_is_served(self, stage: Stage) -> None:
        pool = stage.pool

        class OneShot(FakeSubscriber):
            def deliver(self, subscription: Hashable, result: ProbeResult) -> float:
                pool.unsubscribe("one")
                pool.unsubscribe("two")
                return super().deliver(subscription, result)

        one, two = OneShot(), OneShot()
        pool.subscribe("one", make_target("db"), one, first_due=START)
        pool.subscribe("two", make_target("db"), two, first_due=START)
        await stage.clock.advance(30)
        assert len(one.results) + len(two.results) == 1
        assert pool.targets == 0

    async def test_stopping_delivers_no_cancellation(self) -> None:
        stage = Stage()
        subscriber = FakeSubscriber()
        stage.prober.hanging.add("db:80")
        stage.pool.subscribe("s", make_target("db"), subscriber, first_due=START)
        stage.pool.subscribe("t", make_target("forgotten"), subscriber, first_due=START)
        running = asyncio.create_task(stage.pool.run())
        await stage.clock.advance(1)
        stage.prober.forgetting = asyncio.Event()
        stage.pool.unsubscribe("t")
        await stage.clock.settle()
        stage.pool.stop()
        await running
        assert len(subscriber.results) == 1
        assert stage.observer.prober_failures == []
        assert stage.prober.out.total() == 0

    async def test_cancelling_run_cancels_what_is_in_flight(self) -> None:
        stage = Stage()
        stage.prober.hanging.add("db:80")
        stage.pool.subscribe("s", make_target("db"), FakeSubscriber(), first_due=START)
        running = asyncio.create_task(stage.pool.run())
        await stage.clock.advance(1)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert stage.prober.out.total() == 0
