"""Two replicas: what becomes of an outage when the one that leads ends."""

import time
from datetime import datetime

import pytest

from tests.integration.operator.harness import OperatorProcess, throughout, wait_until
from tests.integration.operator.policies import FLAGS, dependency, policy
from tests.integration.operator.stage import Body, Stage
from tests.integration.stories import story

OPEN_SECONDS = 40
LEASE = {"lease_duration_seconds": 6, "lease_renew_seconds": 4, "lease_retry_seconds": 0.5}


def pair(stage: Stage) -> tuple[OperatorProcess, OperatorProcess]:
    """A leader and a standby."""
    first = stage.operator("first", **LEASE).start_leading()
    second = stage.operator("second", **LEASE).start_serving()
    return first, second


def lease(stage: Stage) -> Body:
    found = stage.find("coordination.k8s.io/v1/leases/resilience-operator")
    return found["spec"] if found else {}


@pytest.mark.timeout(150)
@story
def test_kill_9_during_an_outage_moves_nothing_and_the_breaker_serves_its_time(
    stage: Stage,
) -> None:
    first, second = pair(stage)
    postgres, redis = stage.dependency("postgres"), stage.dependency("redis")
    stage.apply(
        policy(
            dependency("postgres", 85, postgres),
            dependency("redis", 15, redis, open_seconds=OPEN_SECONDS),
        )
    )
    stage.wait_for_level("OPTIMAL")
    redis.down()
    stage.wait_for_level("DEGRADED")
    breaker = wait_until(
        lambda: (
            stage.dependency_status("redis").get("breaker", {}).get("openedAt")
            and stage.dependency_status("redis")["breaker"]
        ),
        "the breaker is open in the status",
    )
    opened_at = datetime.fromisoformat(breaker["openedAt"]).timestamp()
    redis.up()  # would answer, and would note that it was asked
    wait_until(lambda: not stage.writes(time.time() - 1), "the last write is past")
    before = stage.level()["status"]
    version = stage.version()
    asked = len(redis.asked_at)

    killed_at = time.time()
    first.kill()
    second.wait_for_log("leading as", seconds=15)
    taken_at = time.time()

    def unmoved() -> None:
        assert len(redis.asked_at) == asked
        assert stage.level()["status"] == before
        assert stage.version() == version

    throughout(opened_at + OPEN_SECONDS - 0.5 - time.time(), unmoved)
    assert stage.dependency_status("redis")["breaker"] == breaker
    assert stage.writes(killed_at) == []
    assert postgres.asked_at[-1] > taken_at  # it did probe

    wait_until(lambda: len(redis.asked_at) > asked, "the trial", seconds=10)
    trial_at = redis.asked_at[asked]
    assert opened_at + OPEN_SECONDS <= trial_at <= opened_at + OPEN_SECONDS + 4
    stage.wait_for_level("OPTIMAL")
    assert not second.said("Traceback")


@story
def test_sigterm_gives_the_lease_back_and_the_standby_leads_within_a_retry(stage: Stage) -> None:
    first, second = pair(stage)
    stage.apply(policy(dependency("postgres", 100, stage.dependency("postgres"))))
    stage.wait_for_level("OPTIMAL")
    wait_until(lambda: not stage.writes(time.time() - 1), "the last write is past")

    begin = time.time()
    assert first.stop() == 0
    stopped = time.time()
    assert stopped - begin < 4
    second.wait_for_log("leading as", seconds=4)
    assert time.time() - stopped < 3
    assert lease(stage)["holderIdentity"] == "second"
    assert stage.find(f"v1/configmaps/{FLAGS}") is not None
    throughout(3, lambda: None)
    assert stage.writes(begin) == []


def test_a_leader_that_loses_the_lease_ends_and_writes_no_more(stage: Stage) -> None:
    leader = stage.operator("first", **LEASE).start_leading()
    stolen = {"holderIdentity": "somebody", "leaseDurationSeconds": 60}
    stage.patch("coordination.k8s.io/v1/leases/resilience-operator", {"spec": stolen})
    assert leader.wait() == 1
    assert leader.said("leadership lost")
    assert lease(stage)["holderIdentity"] == "somebody"
