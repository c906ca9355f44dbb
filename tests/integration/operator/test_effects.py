"""How far the effects of a level reach: nowhere in Observe, and into the pods once a change."""

from tests.integration.operator.harness import wait_until
from tests.integration.operator.policies import FLAGS, dependency, policy
from tests.integration.operator.stage import Stage
from tests.integration.operator.workloads import deployment, digests, pods
from tests.integration.stories import story


@story
def test_observe_decides_and_reports_and_writes_no_config_map(stage: Stage) -> None:
    stage.operator().start_leading()
    redis = stage.dependency("redis")
    stage.apply(policy(dependency("redis", 100, redis), mode="Observe"))
    wait_until(lambda: stage.standing() == "OPTIMAL", "it has a level")
    redis.down()
    wait_until(lambda: stage.standing() == "EMERGENCY", "the level follows")
    wait_until(lambda: stage.policy()["status"].get("level") == "EMERGENCY", "the policy says so")
    stage.wait_for_condition("FlagsApplied", "Unknown", "Observing")
    assert stage.find(f"v1/configmaps/{FLAGS}") is None
    assert not any("configmaps" in write for write in stage.writes())


@story
def test_pods_are_told_once_for_a_change_of_level_and_not_for_one_of_health(stage: Stage) -> None:
    operator = stage.operator().start_leading()
    servers = {name: stage.dependency(name) for name in ("postgres", "redis", "s3")}
    weights = {"postgres": 80, "redis": 15, "s3": 5}
    deployment(stage, "dashboard")
    names = pods(stage, "dashboard", 3)
    stage.apply(
        policy(
            *(dependency(name, weights[name], server) for name, server in servers.items()),
            targets=[{"name": "dashboard"}],
        )
    )
    stage.wait_for_level("OPTIMAL")
    wait_until(lambda: None not in digests(stage, names), "the pods are told")
    first = set(digests(stage, names))
    assert len(first) == 1
    assert patches(stage) == 3

    servers["s3"].down()  # 95 is still OPTIMAL
    wait_until(lambda: stage.level()["status"]["health"] == 95, "health alone has changed")
    wait_until(lambda: stage.dependency_status("s3").get("state") == "Down", "the status says so")
    assert set(digests(stage, names)) == first
    assert patches(stage) == 3

    servers["redis"].down()
    stage.wait_for_level("DEGRADED")
    wait_until(lambda: first.isdisjoint(digests(stage, names)), "the pods are told")
    assert len(set(digests(stage, names))) == 1
    assert patches(stage) == 6
    applied = wait_until(
        lambda: (
            "3 of 3 pods" in stage.condition("FlagsApplied")["message"]
            and stage.condition("FlagsApplied")
        ),
        "the condition says how many",
    )
    assert applied["status"] == "True"
    assert operator.metric("resilience_pods_refreshed_total") == 6


def patches(stage: Stage) -> int:
    return sum(write.startswith("patch pods/") for write in stage.writes())
