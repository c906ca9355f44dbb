"""A restart of the operator finds everything as it left it, and leaves it so."""

import time

from tests.integration.operator.harness import throughout, wait_until
from tests.integration.operator.policies import WEIGHTS, dependency, policy
from tests.integration.operator.stage import Stage
from tests.integration.stories import story


def settle(stage: Stage) -> None:
    wait_until(lambda: not stage.writes(time.time() - 1.5), "the last write is past")


@story
def test_with_all_well_a_restart_writes_nothing_but_the_lease(stage: Stage) -> None:
    operator = stage.operator().start_leading()
    servers = stage.dependencies()
    stage.apply(policy(*(dependency(name, WEIGHTS[name], servers[name]) for name in servers)))
    stage.wait_for_level("OPTIMAL")
    settle(stage)

    assert operator.stop() == 0
    begin = time.time()
    operator.start_leading()
    leads = time.time()
    for server in servers.values():
        wait_until(lambda s=server: sum(at > leads for at in s.asked_at) >= 5, "five probes")
    assert stage.writes(begin) == []
    assert not operator.said("LevelDecided")


@story
def test_with_a_breaker_open_a_restart_writes_nothing_and_the_outage_goes_on(stage: Stage) -> None:
    operator = stage.operator().start_leading()
    servers = {name: stage.dependency(name) for name in ("postgres", "redis")}
    stage.apply(
        policy(
            dependency("postgres", 85, servers["postgres"]),
            dependency("redis", 15, servers["redis"], open_seconds=4),
        )
    )
    stage.wait_for_level("OPTIMAL")
    servers["redis"].down()
    stage.wait_for_level("DEGRADED")
    settle(stage)
    before = stage.level()["status"]

    operator.kill()
    begin = time.time()
    operator.start_leading()
    throughout(6, lambda: None)  # a failed trial among it
    assert stage.writes(begin) == []
    assert stage.level()["status"] == before

    servers["redis"].up()
    level = stage.wait_for_level("OPTIMAL")
    assert [each["to"] for each in level["status"]["transitions"]] == [
        "OPTIMAL", "DEGRADED", "OPTIMAL",
    ]  # fmt: skip


@story
def test_what_happened_while_it_was_down_is_found(stage: Stage) -> None:
    operator = stage.operator().start_leading()
    servers = {name: stage.dependency(name) for name in ("postgres", "redis")}
    stage.apply(policy(*(dependency(name, 50, server) for name, server in servers.items())))
    stage.wait_for_level("OPTIMAL")
    operator.kill()
    servers["redis"].down()
    stage.put_flag("EXPORTS", "broken")
    operator.start_leading()
    stage.wait_for_level("LIMITED")
    assert stage.flags()["EXPORTS"] == "daily"
