import logging

import pytest

from resilience_operator.api.v1alpha1.base import FINALIZER, Level
from resilience_operator.api.v1alpha1.level import LevelStatus
from resilience_operator.core.errors import ApiError, Forbidden, Invalid, TransientError
from resilience_operator.core.model import Trust
from tests.builders import (
    PolicyBuilder,
    healthy,
    make_level,
    reference_policy,
    unhealthy,
)
from tests.unit.controller.fakes import KEY, Bench

NAMES = ("openai", "postgres", "redis", "s3")


@pytest.fixture
def bench() -> Bench:
    return Bench()


def see(bench: Bench, builder: PolicyBuilder | None = None) -> None:
    bench.controller.policy_seen((builder or reference_policy()).build())


async def settled(bench: Bench) -> None:
    """A policy at OPTIMAL, with its level seen."""
    see(bench)
    for _ in range(3):
        bench.deliver(healthy, *NAMES)
    await bench.reconcile()
    level = make_level().build().model_copy(update={"owned": True})
    bench.controller.level_seen(level)
    await bench.reconcile()
    del bench.queue.keys[:]


async def outage(bench: Bench, name: str = "redis") -> None:
    for _ in range(3):
        bench.deliver(unhealthy, name)


async def test_the_level_is_in_its_status_before_its_flags_are_out_and_events_come_last(
    bench: Bench,
) -> None:
    see(bench)
    for _ in range(3):
        bench.deliver(healthy, *NAMES)
    assert await bench.reconcile() == [
        "apply resiliencepolicies/inventario",
        "apply degradationlevels/inventario",
        "status degradationlevels/inventario",
        "flags inventario-flags",
        "status resiliencepolicies/inventario",
        "event LevelDecided",
        "event LevelDecided",
    ]


async def test_a_second_pass_writes_nothing(bench: Bench) -> None:
    await settled(bench)
    assert await bench.reconcile() == []
    await bench.clock.advance(60)
    bench.deliver(healthy, *NAMES)
    assert await bench.reconcile() == []


async def test_one_failure_keeps_no_other_effect_back(bench: Bench) -> None:
    await settled(bench)
    await outage(bench)
    bench.cluster.failures["degradationlevels/status"] = TransientError("no answer")
    with pytest.raises(TransientError):
        await bench.reconcile()
    assert "flags inventario-flags" in bench.journal
    assert bench.journal[-1] == "status resiliencepolicies/inventario"


@pytest.mark.parametrize("failure", [TransientError("no answer"), Forbidden("no role yet")])
async def test_events_wait_until_the_api_server_answers_and_are_logged_once(
    bench: Bench, caplog: pytest.LogCaptureFixture, failure: ApiError
) -> None:
    caplog.set_level(logging.INFO)
    await settled(bench)
    del bench.announcer.events[:]
    caplog.clear()
    await outage(bench)
    for kind in ("degradationlevels/status", "resiliencepolicies/status"):
        bench.cluster.failures[kind] = failure
    for _ in range(3):
        with pytest.raises(type(failure)):
            await bench.reconcile()
    assert bench.announcer.events == []
    bench.cluster.failures.clear()
    await bench.reconcile()
    await bench.reconcile()
    reasons = [event.reason for event in bench.announcer.events]
    assert reasons == ["BreakerOpened", "LevelDegraded", "LevelDegraded"]
    said = [record.message.split(":")[0] for record in caplog.records]
    assert sorted(said) == ["BreakerOpened", "LevelDegraded"]


async def test_what_will_fail_again_keeps_no_event_back(bench: Bench) -> None:
    await settled(bench)
    await outage(bench)
    bench.cluster.failures["degradationlevels/status"] = Invalid("a rule")
    with pytest.raises(Invalid):
        await bench.reconcile()
    assert "event LevelDegraded" in bench.journal


async def test_an_event_on_a_level_points_at_its_uid(bench: Bench) -> None:
    await settled(bench)
    await outage(bench)
    await bench.reconcile()
    pairs = zip(bench.announcer.events, bench.announcer.levels, strict=True)
    uids = {level.uid for event, level in pairs if event.level and level}
    assert uids == {"1e7e"}


async def test_a_restart_goes_on_from_the_status(bench: Bench) -> None:
    status = LevelStatus(level=Level.LIMITED, since="2023-11-14T22:00:00Z")
    bench.controller.level_seen(make_level().status(status).build())
    see(bench)
    await bench.reconcile()
    assert bench.announcer.events == []
    state = bench.store.get(KEY)
    assert state is not None
    assert state.level_states["inventario"].level is Level.LIMITED


@pytest.mark.parametrize("change", ["status", "generation", "deleting"])
async def test_echoes_of_our_own_status_are_no_news(bench: Bench, change: str) -> None:
    await settled(bench)
    policy = bench.store.get(KEY).policy  # type: ignore[union-attr]
    update = {"status": {}, "generation": {"generation": 7}, "deleting": {"deleting": True}}[change]
    bench.controller.policy_seen(policy.model_copy(update=update))
    assert bench.queue.keys == ([] if change == "status" else [KEY])


async def test_a_level_that_goes_is_news_and_its_numbers_go_with_it(bench: Bench) -> None:
    await settled(bench)
    bench.controller.level_seen(make_level("checkout").build())
    await bench.reconcile()
    del bench.queue.keys[:]
    bench.controller.level_gone(("retail", "checkout"), "1e7e")
    bench.controller.level_gone(("retail", "nobody"), "1e7e")
    assert bench.queue.keys == [KEY]
    assert (("retail", "checkout"),) in bench.observer.of("forget_level")
    entry = bench.store.get(KEY)
    assert entry is not None
    assert entry.level_states.keys() == {"inventario"}


async def test_a_policy_of_the_same_name_is_another_one(bench: Bench) -> None:
    await settled(bench)
    old = bench.store.get(KEY)
    again = reference_policy().build().model_copy(update={"uid": "another"})
    bench.controller.policy_seen(again)
    assert bench.store.get(KEY) is not old
    assert bench.pool.names == [*NAMES]


async def test_the_end_of_an_old_one_is_not_that_of_a_new_one_with_its_name(bench: Bench) -> None:
    await settled(bench)
    bench.controller.level_seen(make_level("checkout").build())
    policy = bench.store.get(KEY).policy  # type: ignore[union-attr]
    again = {"uid": "another"}
    bench.controller.policy_seen(policy.model_copy(update=again))
    bench.controller.level_seen(make_level("checkout").build().model_copy(update=again))
    assert not bench.controller.policy_gone(KEY, policy.uid)
    bench.controller.level_gone(("retail", "checkout"), "1e7e")
    assert list(bench.store.policy_uids()) == [(KEY, "another")]
    assert dict(bench.store.level_uids())["retail", "checkout"] == "another"


async def test_a_level_made_anew_gets_a_status_although_nothing_has_changed(bench: Bench) -> None:
    await settled(bench)
    bench.controller.level_seen(make_level("checkout").build())
    await bench.reconcile()
    assert await bench.reconcile() == []
    again = make_level("checkout").build().model_copy(update={"uid": "another"})
    bench.controller.level_seen(again)
    assert "status degradationlevels/checkout" in await bench.reconcile()


async def test_drift_of_the_flags_is_looked_at_and_our_own_write_is_not(bench: Bench) -> None:
    await settled(bench)
    entry = bench.store.get(KEY)
    assert entry is not None
    assert entry.applied is not None
    flags = ("retail", "inventario-flags")
    bench.controller.config_map_seen(flags, entry.applied.resource_version)
    assert bench.queue.keys == []
    del bench.api.objects[("configmaps", *flags)]
    bench.controller.config_map_seen(flags, None)
    assert bench.queue.keys == [KEY]
    assert await bench.reconcile() == ["flags inventario-flags"]
    bench.controller.look_again(KEY)
    bench.controller.look_again(("retail", "nobody"))
    assert await bench.reconcile() == []


async def test_blindness_concerns_every_policy_once(bench: Bench) -> None:
    await settled(bench)
    blind = Trust(False, "MassFailure", "everything fails")
    bench.controller.trust_assessed(blind)
    bench.controller.trust_assessed(blind)
    assert bench.queue.keys == [KEY]
    await outage(bench)
    await bench.reconcile()
    entry = bench.store.get(KEY)
    assert entry is not None
    assert entry.level_states["inventario"].level is Level.OPTIMAL


async def test_a_policy_on_its_way_out_is_undone_once_and_probed_no_more(bench: Bench) -> None:
    await settled(bench)
    policy = reference_policy().deleting().build()
    bench.controller.policy_seen(policy.model_copy(update={"finalizers": (FINALIZER,)}))
    first = await bench.reconcile()
    assert first[-2:] == [
        "delete degradationlevels/inventario", "apply resiliencepolicies/inventario",
    ]  # fmt: skip
    assert bench.pool.names == []
    assert await bench.reconcile() == []
    bench.controller.policy_gone(KEY, policy.uid)
    bench.controller.policy_gone(KEY, policy.uid)
    assert bench.observer.of("forget_policy") == [(KEY,), (KEY,)]
    assert await bench.reconcile() == []
