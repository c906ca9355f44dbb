"""A policy that goes gives the features back and leaves nothing behind."""

from tests.integration.operator.harness import Dependency, wait_until
from tests.integration.operator.policies import FLAGS, NAME, Body, dependency, level, policy
from tests.integration.operator.stage import Stage
from tests.integration.operator.workloads import deployment, digests, pods
from tests.integration.stories import story

LABEL = "resilience.aidrive.dev/managed-by"
FINALIZER = "resilience.aidrive.dev/restore"


def degraded(stage: Stage, **spec: object) -> Dependency:
    """A policy at DEGRADED, with redis down."""
    postgres, redis = stage.dependency("postgres"), stage.dependency("redis")
    stage.apply(degradable(postgres, redis, **spec))
    stage.wait_for_level("OPTIMAL")
    redis.down()
    stage.wait_for_level("DEGRADED")
    return redis


def degradable(postgres: Dependency, redis: Dependency, **spec: object) -> Body:
    return policy(dependency("postgres", 85, postgres), dependency("redis", 15, redis), **spec)


def gone(stage: Stage) -> bool:
    return not stage.policy() and not stage.level()


def label(stage: Stage, name: str = FLAGS) -> str | None:
    found = stage.find(f"v1/configmaps/{name}")
    return None if found is None else found["metadata"]["labels"].get(LABEL)


@story
def test_deleting_a_policy_restores_the_flags_and_leaves_nothing_behind(stage: Stage) -> None:
    operator = stage.operator().start_leading()
    deployment(stage, "dashboard")
    names = pods(stage, "dashboard", 2)
    degraded(stage, targets=[{"name": "dashboard"}])
    wait_until(lambda: all(digests(stage, names)), "the pods are told")

    stage.delete_policy()
    wait_until(lambda: gone(stage), "policy and level are gone")
    flags = stage.flags()
    assert (flags["DEGRADATION_LEVEL"], flags["EXPORTS"], flags["FAST_SEARCH"]) == (
        "OPTIMAL", "on", "on",
    )  # fmt: skip
    assert label(stage) == NAME
    assert digests(stage, names) == [None, None]
    assert not operator.said("A pass failed")
    wait_until(lambda: operator.metric("resilience_policies") == 0, "it holds no policy")
    assert 'name="inventario"' not in operator.get("/metrics")[1]


@story
def test_deleting_it_while_the_operator_is_down_waits_for_the_operator(stage: Stage) -> None:
    operator = stage.operator().start_leading()
    degraded(stage)
    operator.kill()
    stage.delete_policy()
    assert stage.policy()["metadata"]["finalizers"] == [FINALIZER]
    assert stage.flags()["DEGRADATION_LEVEL"] == "DEGRADED"

    operator.start_leading()
    wait_until(lambda: gone(stage), "policy and level are gone")
    assert stage.flags()["DEGRADATION_LEVEL"] == "OPTIMAL"


@story
def test_on_delete_keep_leaves_the_flags_and_needs_no_finalizer(stage: Stage) -> None:
    operator = stage.operator().start_leading()
    degraded(stage, flags={"onDelete": "Keep"})
    assert "finalizers" not in stage.policy()["metadata"]
    stage.delete_policy()
    wait_until(lambda: not stage.policy(), "the policy is gone")
    wait_until(lambda: operator.metric("resilience_policies") == 0, "it holds no policy")
    assert stage.flags()["DEGRADATION_LEVEL"] == "DEGRADED"
    # The level goes with its owner, by the garbage collector, which does not run here.
    assert stage.level()["metadata"]["ownerReferences"][0]["name"] == NAME


@story
def test_a_level_of_a_persons_own_outlives_the_policy(stage: Stage) -> None:
    stage.operator().start_leading()
    stage.apply(policy(dependency("postgres", 100, stage.dependency("postgres"))))
    stage.wait_for_level("OPTIMAL")
    stage.apply(level("mine"))
    wait_until(lambda: stage.standing("mine") == "OPTIMAL", "it has a level")
    stage.delete_policy()
    wait_until(lambda: gone(stage), "policy and its own level are gone")
    assert stage.level("mine")


@story
def test_another_config_map_name_lets_the_old_one_go(stage: Stage) -> None:
    stage.operator().start_leading()
    postgres, redis = stage.dependency("postgres"), stage.dependency("redis")
    redis.down()
    stage.apply(degradable(postgres, redis))
    stage.wait_for_level("DEGRADED")
    stage.apply(degradable(postgres, redis, flags={"configMapName": "renamed"}))
    wait_until(lambda: stage.flags("renamed").get("DEGRADATION_LEVEL") == "DEGRADED", "the new one")
    wait_until(lambda: label(stage) == "", "the old one is released")
    assert stage.flags()["DEGRADATION_LEVEL"] == "OPTIMAL"
    wait_until(lambda: stage.policy()["status"]["configMapName"] == "renamed", "the status says so")


@story
def test_what_enforce_wrote_is_restored_although_the_mode_is_observe_by_now(stage: Stage) -> None:
    stage.operator().start_leading()
    postgres, redis = stage.dependency("postgres"), stage.dependency("redis")
    redis.down()
    stage.apply(degradable(postgres, redis))
    stage.wait_for_level("DEGRADED")
    stage.apply(degradable(postgres, redis, mode="Observe"))
    stage.wait_for_condition("FlagsApplied", "Unknown", "Observing")
    assert stage.flags()["DEGRADATION_LEVEL"] == "DEGRADED"
    stage.delete_policy()
    wait_until(lambda: gone(stage), "policy and level are gone")
    assert stage.flags()["DEGRADATION_LEVEL"] == "OPTIMAL"


@story
def test_a_shared_config_map_stays_its_owners_until_a_label_hands_it_over(stage: Stage) -> None:
    stage.operator().start_leading()
    db = stage.dependency("postgres")
    shared = {"flags": {"configMapName": "shared"}}
    for name in ("first", "second"):
        stage.apply(policy(dependency("postgres", 100, db), name=name, **shared))
        stage.wait_for_condition("Ready", "True" if name == "first" else "False", name=name)
    stage.delete_policy("first")
    wait_until(lambda: not stage.policy("first"), "the first is gone")
    assert label(stage, "shared") == "first"  # a policy of that name takes it back
    said = stage.condition("FlagsApplied", "second")["message"]
    assert f"label it {LABEL}=second to hand it over" in said
    stage.patch("v1/configmaps/shared", {"metadata": {"labels": {LABEL: "second"}}})
    stage.wait_for_condition("FlagsApplied", "True", name="second")
    assert stage.flags("shared")["DEGRADATION_LEVEL"] == "OPTIMAL"
