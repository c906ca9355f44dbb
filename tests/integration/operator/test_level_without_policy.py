"""A DegradationLevel whose policy is not there says so, for as long as that is true."""

import time

from tests.integration.custom_resources import MERGE, objects
from tests.integration.operator.harness import throughout, wait_until
from tests.integration.operator.policies import NAME, Body, dependency, level, policy
from tests.integration.operator.stage import POLICIES, Stage
from tests.integration.stories import story

LOOKED_AT_SECONDS = 7.0
"""By then the operator has looked for the policy of a level that it has just seen."""
SHARD = "resilience.aidrive.dev/shard"


def wait_for_ready(stage: Stage, name: str, status: str, reason: str) -> Body:
    """The condition Ready of a level, once it says that."""

    def says() -> Body | None:
        found = stage.level_condition("Ready", name)
        return found if (found.get("status"), found.get("reason")) == (status, reason) else None

    return wait_until(says, f"{name} says {reason}")


def settle(stage: Stage) -> None:
    wait_until(lambda: not stage.writes(time.time() - 3), "the last write is past")


@story
def test_it_says_so_until_the_policy_is_there_and_again_when_it_goes(stage: Stage) -> None:
    stage.operator().start_leading()
    db = stage.dependency("db")
    stage.apply(level("checkout"))
    missing = wait_for_ready(stage, "checkout", "False", "PolicyNotFound")
    assert f"no ResiliencePolicy {NAME} in this namespace" in missing["message"]
    assert "create it" in missing["message"]
    assert missing["observedGeneration"] == stage.level("checkout")["status"]["observedGeneration"]

    stage.apply(policy(dependency("db", 100, db)))
    wait_for_ready(stage, "checkout", "True", "LevelDecided")
    db.down()
    stage.wait_for_level("EMERGENCY", "checkout")
    before = stage.level("checkout")["status"]

    stage.delete_policy()
    wait_until(lambda: not stage.policy(), "the policy is gone")
    wait_for_ready(stage, "checkout", "False", "PolicyNotFound")
    after = stage.level("checkout")["status"]
    for field in ("level", "health", "since", "transitions"):
        assert after[field] == before[field]

    stage.patch_level("checkout", features=["exports"])

    def speaks_of_the_new_spec() -> bool:
        return bool(stage.level("checkout")["status"]["observedGeneration"] == 2)

    wait_until(speaks_of_the_new_spec, "the status is of the changed spec")
    wait_for_ready(stage, "checkout", "False", "PolicyNotFound")

    # At the same level as before, so that nothing but the condition has to be written.
    stage.apply(policy(dependency("db", 100, db)))
    wait_for_ready(stage, "checkout", "True", "LevelDecided")
    assert stage.standing("checkout") == "EMERGENCY"


@story
def test_a_start_and_a_second_look_write_nothing(stage: Stage) -> None:
    operator = stage.operator().start_leading()
    db = stage.dependency("db")
    stage.apply(policy(dependency("db", 100, db)))
    stage.apply(level("checkout"))
    stage.apply(level("alone", "no-such-policy"))
    stage.wait_for_level("OPTIMAL", "checkout")
    wait_for_ready(stage, "alone", "False", "PolicyNotFound")
    settle(stage)
    operator.stop()

    stopped_at = time.time()
    operator.start_leading()
    throughout(LOOKED_AT_SECONDS, lambda: None)
    assert stage.writes(stopped_at) == []
    assert stage.level_condition("Ready", "checkout")["status"] == "True"


@story
def test_a_policy_of_another_shard_is_not_missing(stage: Stage) -> None:
    south = stage.operator("south", policy_selector=f"{SHARD}=south").start_leading()
    body = policy(dependency("db", 100, stage.dependency("db")))
    body["metadata"]["labels"] = {SHARD: "north"}
    stage.apply(body)
    stage.apply(level("checkout"))
    stage.apply(level("alone", "no-such-policy"))
    wait_for_ready(stage, "alone", "False", "PolicyNotFound")
    assert stage.level("checkout").get("status", {}) == {}

    # It comes, and moves on: neither makes it missing.
    path = objects(stage.namespace, POLICIES, NAME)
    for place, held in (("south", 1), ("north", 0)):
        labels = {"metadata": {"labels": {SHARD: place}}}
        stage.api.send("PATCH", path, labels, content_type=MERGE)
        wait_until(lambda n=held: south.metric("resilience_policies") == n, f"it is {place}")  # type: ignore[misc]
        if held:
            wait_for_ready(stage, "checkout", "True", "LevelDecided")
            settle(stage)
    left_at = time.time()
    throughout(LOOKED_AT_SECONDS, lambda: None)
    assert stage.writes(left_at) == []
    assert stage.level_condition("Ready", "checkout")["status"] == "True"
