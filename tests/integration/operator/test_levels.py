"""From a policy that is applied to features that go when a dependency fails, and come back."""

from itertools import islice, permutations

from tests.integration.operator.harness import Dependency, wait_until
from tests.integration.operator.policies import (
    FLAGS,
    NAME,
    WEIGHTS,
    Body,
    dependency,
    level,
    policy,
)
from tests.integration.operator.stage import Stage, transitions
from tests.integration.stories import story

HEALTHY = {"AI_RECOMMENDATIONS": "on", "FAST_SEARCH": "on", "EXPORTS": "on"}


def reference(servers: dict[str, Dependency], *, name: str = NAME, **spec: object) -> Body:
    """The four dependencies with the weights of the reference application."""
    asked = (dependency(each, WEIGHTS[each], server) for each, server in servers.items())
    return policy(*asked, name=name, **spec)


@story
def test_applying_a_policy_makes_level_flags_and_statuses(stage: Stage) -> None:
    stage.operator().start_leading()
    applied = stage.apply(reference(stage.dependencies()))
    level = stage.wait_for_level("OPTIMAL")

    (owner,) = level["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"]) == ("ResiliencePolicy", applied["metadata"]["uid"])
    assert level["status"]["features"] == {key.lower(): state for key, state in HEALTHY.items()}
    assert level["status"]["health"] == 100
    assert transitions(level) == [(None, "OPTIMAL")]

    flags = stage.flags()
    assert flags.items() >= {**HEALTHY, "HEALTH_SCORE": "100"}.items()
    assert {"flags.json", "flagd.json"} <= flags.keys()

    ready = stage.wait_for_condition("Ready", "True")
    assert ready["observedGeneration"] == 1
    stage.wait_for_condition("DependenciesHealthy", "True")
    stage.wait_for_condition("FlagsApplied", "True")
    status = stage.policy()["status"]
    assert (status["level"], status["health"], status["scored"]) == ("OPTIMAL", 100, "4/4")
    assert status["configMapName"] == FLAGS
    wait_until(lambda: len(stage.events("LevelDecided")) == 2, "policy and level have an Event")
    by_kind = {event["regarding"]["kind"]: event["regarding"] for event in stage.events()}
    assert by_kind["DegradationLevel"]["uid"] == level["metadata"]["uid"]


@story
def test_redis_down_is_exactly_85_and_takes_its_features_until_it_is_back(stage: Stage) -> None:
    operator = stage.operator().start_leading()
    servers = stage.dependencies()
    stage.apply(reference(servers))
    stage.wait_for_level("OPTIMAL")

    servers["redis"].down()
    level = stage.wait_for_level("DEGRADED")
    assert level["status"]["health"] == 85
    assert level["status"]["limitingDependency"] == "redis"
    down = {"AI_RECOMMENDATIONS": "on", "FAST_SEARCH": "plain", "EXPORTS": "daily"}
    assert stage.flags().items() >= {**down, "HEALTH_SCORE": "85"}.items()
    redis = wait_until(
        lambda: (
            stage.dependency_status("redis").get("state") == "Down"
            and stage.dependency_status("redis")
        ),
        "the status says Down",
    )
    assert (redis["breaker"]["state"], redis["failureReason"]) == ("Open", "Refused")
    stage.wait_for_condition("DependenciesHealthy", "False", "DependencyDown")
    # Trials fail meanwhile: none of them is an event.
    wait_until(lambda: operator.metric(refused_results()) >= 4, "two trials have failed")

    servers["redis"].up()
    level = stage.wait_for_level("OPTIMAL")
    assert stage.flags().items() >= HEALTHY.items()
    assert transitions(level) == [
        (None, "OPTIMAL"), ("OPTIMAL", "DEGRADED"), ("DEGRADED", "OPTIMAL"),
    ]  # fmt: skip
    wait_until(lambda: len(stage.events()) == 8, "every Event is there")
    assert sorted(event["reason"] for event in stage.events()) == [
        "BreakerClosed", "BreakerOpened", *["LevelDecided"] * 2, *["LevelDegraded"] * 2,
        *["LevelImproved"] * 2,
    ]  # fmt: skip
    for reason in ("LevelDegraded", "LevelImproved", "BreakerOpened", "BreakerClosed"):
        assert len(operator.said(f"{reason}: ")) == 1


def refused_results() -> str:
    return 'resilience_probe_results_total{reason="Refused",type="tcp",verdict="Unhealthy"}'


@story
def test_recovery_climbs_one_level_at_a_time(stage: Stage) -> None:
    stage.operator().start_leading()
    servers = stage.dependencies()
    stage.apply(reference(servers))
    stage.wait_for_level("OPTIMAL")
    for name in ("openai", "postgres"):
        servers[name].down()
    stage.wait_for_level("MINIMAL")
    for name in ("openai", "postgres"):
        servers[name].up()
    level = stage.wait_for_level("OPTIMAL")
    climbed = [to for _, to in transitions(level)]
    assert climbed[-3:] == ["LIMITED", "DEGRADED", "OPTIMAL"]


@story
def test_bands_do_not_depend_on_the_order_of_the_list(stage: Stage) -> None:
    stage.operator().start_leading()
    servers = stage.dependencies()
    # Each fourth of the 24 orders begins with another dependency.
    orders = list(islice(permutations(servers), 0, None, 4))
    names = [f"order-{number}" for number in range(len(orders))]
    for name, order in zip(names, orders, strict=True):
        quick = {"recovery": "Direct", "recoverAfterSeconds": 0, "recoverMargin": 0}
        listed = {each: servers[each] for each in order}
        stage.apply(reference(listed, name=name, stabilization=quick))

    def found() -> set[tuple[str | None, int | None]]:
        statuses = [stage.level(name).get("status", {}) for name in names]
        return {(each.get("level"), each.get("health")) for each in statuses}

    def expect(level: str, health: int) -> None:
        wait_until(lambda: found() == {(level, health)}, f"all orders are at {level} {health}")

    expect("OPTIMAL", 100)
    servers["postgres"].down()
    expect("DEGRADED", 70)
    servers["openai"].down()
    expect("MINIMAL", 20)
    servers["postgres"].up()
    expect("LIMITED", 50)
    servers["openai"].up()
    expect("OPTIMAL", 100)


@story
def test_a_level_that_has_the_policys_name_and_is_anothers_is_told(stage: Stage) -> None:
    """The policy works without a level of its own, and gets it once the name is free."""
    operator = stage.operator().start_leading()
    db = stage.dependency("db")
    stage.apply(level(NAME, "other"))
    stage.apply(policy(dependency("db", 100, db)))
    ready = stage.wait_for_condition("Ready", "False", "LevelNotOurs")
    assert f"DegradationLevel {NAME}" in ready["message"]
    wait_until(lambda: stage.flags().get("DEGRADATION_LEVEL") == "OPTIMAL", "the flags are out")
    assert not operator.said("A pass failed")
    stage.delete_level()
    stage.wait_for_condition("Ready", "True")
    stage.wait_for_level("OPTIMAL")
