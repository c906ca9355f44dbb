"""What people change, by mistake or on purpose: the one is put right, the other respected."""

import time

from tests.integration.operator.harness import Dependency, wait_until
from tests.integration.operator.policies import FLAGS, NAME, dependency, level, policy
from tests.integration.operator.stage import Stage, transitions
from tests.integration.stories import story


def two(stage: Stage) -> dict[str, Dependency]:
    """A policy on postgres (85) and redis (15), at OPTIMAL."""
    servers = {name: stage.dependency(name) for name in ("postgres", "redis")}
    weights = {"postgres": 85, "redis": 15}
    stage.apply(policy(*(dependency(n, weights[n], server) for n, server in servers.items())))
    stage.wait_for_level("OPTIMAL")
    return servers


def in_seconds(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


@story
def test_flags_that_somebody_edits_or_deletes_are_put_right(stage: Stage) -> None:
    stage.operator().start_leading()
    two(stage)
    stage.put_flag("EXPORTS", "off")
    wait_until(lambda: stage.flags()["EXPORTS"] == "on", "the edit is put right")
    stage.put_flag("EXPORTS", None)
    wait_until(lambda: stage.flags().get("EXPORTS") == "on", "the key is back")
    stage.put_flag("THEIRS", "kept")
    stage.delete(f"v1/configmaps/{FLAGS}")
    wait_until(lambda: stage.flags().get("EXPORTS") == "on", "the ConfigMap is back")
    assert stage.condition("Ready")["status"] == "True"


@story
def test_a_level_that_somebody_deletes_is_made_again_where_it_was(stage: Stage) -> None:
    stage.operator().start_leading()
    servers = two(stage)
    servers["redis"].down()
    before = stage.wait_for_level("DEGRADED")
    version = stage.version()
    stage.delete_level()
    wait_until(
        lambda: (
            stage.level().get("metadata", {}).get("uid") not in (None, before["metadata"]["uid"])
            and stage.standing() == "DEGRADED"
        ),
        "there is another level",
    )
    assert transitions(stage.level()) == transitions(before)
    assert stage.level()["metadata"]["ownerReferences"][0]["name"] == NAME
    assert stage.version() == version


@story
def test_an_override_holds_until_it_expires_to_the_computed_level(stage: Stage) -> None:
    stage.operator().start_leading()
    two(stage)
    override = {"level": "MINIMAL", "reason": "game day", "requestedBy": "ana"}
    stage.patch_level(NAME, override={**override, "expiresAt": in_seconds(5)})
    held = stage.wait_for_level("MINIMAL")
    assert held["status"]["computedLevel"] == "OPTIMAL"
    assert stage.level_condition("Overridden")["status"] == "True"
    assert stage.flags()["EXPORTS"] == "off"
    stage.wait_for_level("OPTIMAL")  # at once, not a step at a time
    assert stage.level_condition("Overridden")["status"] == "False"
    assert transitions(stage.level())[-1] == ("MINIMAL", "OPTIMAL")


@story
def test_a_freeze_holds_the_level_through_an_outage_until_it_expires(stage: Stage) -> None:
    stage.operator().start_leading()
    servers = two(stage)
    stage.patch_level(NAME, freeze={"reason": "migration", "expiresAt": in_seconds(8)})
    wait_until(lambda: stage.level_condition("Frozen").get("status") == "True", "it is frozen")
    servers["redis"].down()
    wait_until(lambda: stage.dependency_status("redis").get("state") == "Down", "redis is down")
    assert stage.standing() == "OPTIMAL"
    stage.wait_for_level("DEGRADED")
    assert stage.level_condition("Frozen")["status"] == "False"


@story
def test_a_capability_stands_by_its_own_dependencies_and_governs_its_own_features(
    stage: Stage,
) -> None:
    operator = stage.operator().start_leading()
    servers = two(stage)
    stage.apply(
        level("exporting", dependencies=[{"name": "postgres", "weight": 1}], features=["exports"])
    )
    wait_until(lambda: stage.standing("exporting") == "OPTIMAL", "it has a level")
    wait_until(
        lambda: stage.level()["status"]["features"].keys() == {"fast_search"},
        "the policy's own level governs the rest",
    )
    servers["redis"].down()
    stage.wait_for_level("DEGRADED")
    assert stage.standing("exporting") == "OPTIMAL"
    assert stage.flags().items() >= {"EXPORTS": "on", "FAST_SEARCH": "plain"}.items()

    stage.delete_level("exporting")
    wait_until(lambda: stage.flags()["EXPORTS"] == "daily", "its features go back to the policy's")
    wait_until(
        lambda: 'name="exporting"' not in operator.get("/metrics")[1], "its metrics are gone"
    )


@story
def test_a_change_of_the_policy_is_taken_up(stage: Stage) -> None:
    stage.operator().start_leading()
    servers = two(stage)
    stage.apply(policy(dependency("postgres", 100, servers["postgres"])))
    wait_until(lambda: stage.policy()["status"].get("observedGeneration") == 2, "it is seen")
    wait_until(lambda: "FAST_SEARCH" not in stage.flags(), "the feature is gone")
    asked = len(servers["redis"].asked_at)
    waited = len(servers["postgres"].asked_at) + 3
    wait_until(lambda: len(servers["postgres"].asked_at) >= waited, "three probes")
    assert len(servers["redis"].asked_at) <= asked + 1
    assert [d["name"] for d in stage.policy()["status"]["dependencies"]] == ["postgres"]
