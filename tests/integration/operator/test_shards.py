"""Two operators that share the policies by label: each its own, and no policy two."""

import time

from tests.integration.custom_resources import MERGE, objects
from tests.integration.operator.harness import OperatorProcess, throughout, wait_until
from tests.integration.operator.policies import FLAGS, NAME, Body, dependency, level, policy
from tests.integration.operator.stage import POLICIES, Stage, transitions
from tests.integration.stories import story

SHARD = "resilience.aidrive.dev/shard"
MANAGED_BY = "resilience.aidrive.dev/managed-by"
RESTORE = "resilience.aidrive.dev/restore"


def shard(stage: Stage, name: str) -> OperatorProcess:
    """The operator of one shard, with a lease of its own; it leads."""
    selector = {"policy_selector": f"{SHARD}={name}", "lease_name": f"operator-{name}"}
    return stage.operator(name, **selector).start_leading()


def of(name: str, body: Body) -> Body:
    """The policy, as one of that shard."""
    return {**body, "metadata": {**body["metadata"], "labels": {SHARD: name}}}


def move(stage: Stage, name: str | None, policy_name: str = NAME) -> None:
    """Label a policy for another shard, or for none."""
    body = {"metadata": {"labels": {SHARD: name}}}
    path = objects(stage.namespace, POLICIES, policy_name)
    stage.api.send("PATCH", path, body, content_type=MERGE)


def written_by(operator: OperatorProcess) -> float:
    """How much it has written, but for its Lease."""
    lines = operator.get("/metrics")[1].splitlines()
    writes = (line for line in lines if line.startswith("resilience_api_writes_total{"))
    return sum(float(line.rsplit(" ", 1)[1]) for line in writes if '"leases"' not in line)


def holds(operator: OperatorProcess, count: int) -> None:
    """Wait until it looks after so many policies."""
    what = f"{operator.name} holds {count}"
    wait_until(lambda: operator.metric("resilience_policies") == count, what)


def settle(stage: Stage) -> None:
    wait_until(lambda: not stage.writes(time.time() - 2), "the last write is past")


@story
def test_a_policy_changes_hands_in_an_outage_and_nothing_moves(stage: Stage) -> None:
    north, south = shard(stage, "north"), shard(stage, "south")
    postgres, redis = stage.dependency("postgres"), stage.dependency("redis")
    body = policy(
        dependency("postgres", 85, postgres), dependency("redis", 15, redis, open_seconds=4)
    )
    stage.apply(of("north", body))
    stage.wait_for_level("OPTIMAL")
    redis.down()
    stage.wait_for_level("DEGRADED")
    settle(stage)
    status, version, seen = stage.level()["status"], stage.version(), written_by(north)

    moved_at = time.time()
    move(stage, "south")

    def unmoved() -> None:
        assert (stage.level()["status"], stage.version()) == (status, version)

    holds(north, 0)
    holds(south, 1)
    throughout(6, unmoved)  # a failed trial of the breaker among it
    assert stage.writes(moved_at) == []
    assert north.said("policy let go")
    assert south.said("policy taken over")
    assert postgres.asked_at[-1] > moved_at + 4

    redis.up()
    recovered = stage.wait_for_level("OPTIMAL")
    assert transitions(recovered)[-2:] == [("OPTIMAL", "DEGRADED"), ("DEGRADED", "OPTIMAL")]
    settle(stage)
    assert written_by(north) == seen
    assert written_by(south) > 0

    taken = written_by(south)
    stage.delete_policy()
    wait_until(lambda: not stage.policy(), "the policy is gone")
    assert stage.flags()["DEGRADATION_LEVEL"] == "OPTIMAL"
    assert written_by(north) == seen
    assert written_by(south) > taken


@story
def test_each_shard_looks_after_its_own_and_nobody_after_the_rest(stage: Stage) -> None:
    north, south = shard(stage, "north"), shard(stage, "south")
    servers = {name: stage.dependency(name) for name in ("a", "b", "c")}
    for name, place in (("a", "north"), ("b", "south")):
        stage.apply(of(place, policy(dependency("db", 100, servers[name]), name=name)))
    stage.apply(policy(dependency("db", 100, servers["c"]), name="c"))
    # A level of a person's own follows its policy, whatever its labels.
    stage.apply(of("north", level("checkout", "b")))
    for name in ("a", "b", "checkout"):
        stage.wait_for_level("OPTIMAL", name)
    for operator in (north, south):
        holds(operator, 1)
        lease = f'resilience_leader{{lease="operator-{operator.name}"}}'
        assert operator.metric(lease) == 1
        found = stage.find(f"coordination.k8s.io/v1/leases/operator-{operator.name}")
        assert found is not None
        assert found["spec"]["holderIdentity"] == operator.name
    settle(stage)

    before = {operator: written_by(operator) for operator in (north, south)}
    servers["b"].down()
    for name in ("b", "checkout"):
        stage.wait_for_level("EMERGENCY", name)
    settle(stage)
    assert stage.standing("a") == "OPTIMAL"
    assert written_by(north) == before[north]
    assert written_by(south) > before[south]
    assert stage.policy("c").get("status", {}) == {}
    assert stage.level("c") == {}
    assert servers["c"].asked_at == []


@story
def test_what_leaves_every_shard_stays_as_it_is_until_one_takes_it(stage: Stage) -> None:
    north = shard(stage, "north")
    db = stage.dependency("db")
    stage.apply(of("north", policy(dependency("db", 100, db))))
    stage.wait_for_level("OPTIMAL")
    settle(stage)
    status, version = stage.policy()["status"], stage.version()

    left_at = time.time()
    move(stage, None)
    holds(north, 0)
    asked = len(db.asked_at)
    db.down()
    throughout(4, lambda: None)
    assert stage.writes(left_at) == []
    assert (stage.policy()["status"], stage.version()) == (status, version)
    assert RESTORE in stage.policy()["metadata"]["finalizers"]
    assert len(db.asked_at) <= asked + 1

    # Deleted meanwhile, it waits; who takes it in puts its flags back and lets it go.
    stage.put_flag("EXPORTS", "broken")
    stage.delete_policy()
    move(stage, "north")
    wait_until(lambda: not stage.policy(), "the policy is gone")
    assert stage.flags()["EXPORTS"] == "on"


@story
def test_one_that_comes_while_its_operator_is_down_is_found(stage: Stage) -> None:
    north, south = shard(stage, "north"), shard(stage, "south")
    db = stage.dependency("db")
    stage.apply(of("north", policy(dependency("db", 100, db))))
    stage.wait_for_level("OPTIMAL")
    assert south.stop() == 0
    settle(stage)
    seen = written_by(north)
    move(stage, "south")
    holds(north, 0)
    db.down()
    south.start_leading()
    stage.wait_for_level("EMERGENCY")
    assert written_by(north) == seen


@story
def test_one_config_map_for_policies_of_two_shards_is_had_by_one(stage: Stage) -> None:
    shard(stage, "north")
    shard(stage, "south")
    db = stage.dependency("db")
    shared = {"flags": {"configMapName": FLAGS}}
    places = {"first": "north", "second": "south"}
    bodies = {
        name: of(place, policy(dependency("db", 100, db), name=name, **shared))
        for name, place in places.items()
    }
    stage.apply(bodies["first"])
    stage.wait_for_condition("FlagsApplied", "True", name="first")
    version = stage.version()
    stage.apply(bodies["second"])
    reason = "ConfigMapOwnedByOtherPolicy"
    refused = stage.wait_for_condition("FlagsApplied", "False", reason, name="second")
    assert "belongs to the policy first" in refused["message"]
    assert stage.version() == version

    # The name is let go, and both want the next one in the same moment.
    for body in bodies.values():
        body["spec"]["flags"] = {"configMapName": "next"}
        stage.apply(body)

    def decided() -> set[str]:
        said = {name: stage.condition("FlagsApplied", name) for name in bodies}
        holders = {name for name, each in said.items() if each.get("status") == "True"}
        losers = {name for name, each in said.items() if each.get("reason") == reason}
        found = stage.find("v1/configmaps/next") or {"metadata": {}}
        labels = found["metadata"].get("labels", {})
        settled = len(losers) == 1 and holders == {labels.get(MANAGED_BY)}
        return holders if settled else set()

    wait_until(decided, "one of them has it, and the other says so")
    settle(stage)
    version = stage.version("next")
    throughout(3, lambda: None)
    assert stage.version("next") == version
