import pytest

from resilience_operator.api.v1alpha1.policy_status import (
    BreakerPhase,
    BreakerStatus,
    DependencyState,
    DependencyStatus,
    PolicyStatus,
)
from resilience_operator.core.resumption import ROUNDED_OFF_SECONDS
from resilience_operator.core.times import to_rfc3339
from tests.builders import healthy, make_policy, make_probe, unhealthy, unknown
from tests.unit.controller.fakes import KEY, Bench

TWO = make_policy().dependency("postgres", 85).dependency("redis", 15)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_only_what_changed_is_subscribed_again(bench: Bench) -> None:
    entry = bench.store.put_policy(TWO.build())
    assert bench.subscriptions.sync(entry) == []
    assert bench.subscriptions.sync(entry) == []
    assert (bench.pool.names, bench.pool.calls) == (["postgres", "redis"], 2)

    bench.store.put_policy(make_policy().dependency("postgres", 1).build())
    assert bench.subscriptions.sync(entry) == ["redis"]
    assert (bench.pool.names, bench.pool.calls) == (["postgres"], 2)
    assert entry.evidence.keys() == entry.health.keys() == {"postgres"}

    bench.subscriptions.drop(entry)
    assert bench.pool.names == []


def test_a_changed_probe_starts_afresh_with_the_old_health_standing_in(bench: Bench) -> None:
    entry = bench.store.put_policy(TWO.build())
    bench.subscriptions.sync(entry)
    for _ in range(3):
        bench.deliver(healthy, "redis")
    moved = make_policy().dependency("redis", 15, probe=make_probe("elsewhere:6379"))
    bench.store.put_policy(moved.build())
    bench.subscriptions.sync(entry)
    assert entry.evidence["redis"].window.samples == ()
    assert (entry.health["redis"].health, entry.health["redis"].assumed) == (100, True)


def test_a_changed_probe_of_what_is_down_is_down_until_it_answers(bench: Bench) -> None:
    """Else what requires it would come back for as long as the breaker takes to open again."""
    entry = bench.store.put_policy(TWO.build())
    bench.subscriptions.sync(entry)
    for _ in range(3):
        bench.deliver(unhealthy, "redis")
    patient = make_probe("redis.example.com:443", timeout_seconds=5)
    changed = make_policy().dependency("postgres", 85).dependency("redis", 15, probe=patient)
    bench.store.put_policy(changed.build())
    bench.subscriptions.sync(entry)
    assert (entry.health["redis"].down, entry.health["redis"].health) == (True, 0)
    assert bench.pool.wanted[(KEY, "redis")][1] == bench.clock.now()


def test_a_breaker_found_open_waits_for_its_trial(bench: Bench) -> None:
    opened = bench.clock.now() - 10
    breaker = BreakerStatus(state=BreakerPhase.OPEN, opened_at=to_rfc3339(opened), open_seconds=30)
    redis = DependencyStatus(name="redis", state=DependencyState.DOWN, health=0, breaker=breaker)
    entry = bench.store.put_policy(TWO.status(PolicyStatus(dependencies=(redis,))).build())
    bench.subscriptions.sync(entry)
    assert bench.pool.wanted[(KEY, "redis")][1] == opened + 30 + ROUNDED_OFF_SECONDS
    assert bench.pool.wanted[(KEY, "postgres")][1] is None
    assert entry.health["redis"].health == 0


def test_the_policy_is_queued_when_its_health_changes_and_only_then(bench: Bench) -> None:
    entry = bench.store.put_policy(TWO.build())
    bench.subscriptions.sync(entry)
    for _ in range(5):
        bench.deliver(healthy, "redis")
    assert bench.queue.keys == [KEY]
    bench.deliver(unhealthy, "redis")
    assert bench.queue.keys == [KEY, KEY]
    bench.deliver(unknown, "postgres")
    assert len(bench.queue.keys) == 3


def test_a_result_for_nobody_is_dropped(bench: Bench) -> None:
    now = bench.clock.now()
    assert bench.subscriptions.deliver((KEY, "redis"), healthy(now)) > now + 600
    assert bench.queue.keys == []
