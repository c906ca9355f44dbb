"""What others do to a rollout's objects, and what is not there."""

import copy

from tests.integration.operator.harness import throughout, wait_until
from tests.integration.rollouts.shop import CANARY, ROUTE, ROUTES, STABLE, Shop, gone
from tests.integration.stories import story


@story
def test_weights_that_the_user_sets_are_set_back_and_that_is_said_once(shop: Shop) -> None:
    shop.open(shop.spec((25, 600), (100, 1), metrics=False))
    shop.release()
    shop.until_phase("Progressing", weight=25)
    shop.route((100, 0))  # a sync
    shop.until_weights(75, 25)
    assert len(shop.until_said("TrafficDrifted")) == 1
    shop.until_phase("Progressing", weight=25)
    throughout(1.5, lambda: _weighs(shop, 75, 25))
    assert len(shop.said("TrafficDrifted")) == 1
    shop.say("abort")
    shop.until_phase("RolledBack")
    assert (shop.weights, shop.noted) == ((100, 0), False)


@story
def test_a_route_of_another_tool_is_left_alone_and_levels_go_on(shop: Shop) -> None:
    shop.furnish(route=False)
    shop.route((100, 0), manager="flagger")
    shop.put_policy(shop.spec((25, 1), (100, 1)))
    shop.start()
    shop.until(lambda s: s.get("reason") == "UpToDate", "version 1 is the stable one")
    shop.release()
    shop.until_phase("Waiting", reason="ManagedByOther")
    condition = shop.stage.wait_for_condition("RolloutProgressing", "True", "ManagedByOther")
    assert "managed by Flagger" in condition["message"]
    shop.postgres.down()
    wait_until(lambda: shop.stage.standing() not in (None, "OPTIMAL"), "the level falls")
    shop.postgres.up()
    shop.stage.wait_for_level("OPTIMAL")
    assert shop.gateway.shares("web") == [0]
    shop.stage.delete_policy()
    shop.until_gone()


@story
def test_what_is_missing_is_said_and_levels_go_on(shop: Shop) -> None:
    """Neither route nor Services nor Deployments, and then one after another."""
    spec = shop.spec((25, 1), (100, 1))
    spec["analysis"]["prometheus"]["url"] = "http://127.0.0.1:9"
    shop.put_policy(spec)
    shop.start()
    shop.stage.wait_for_level("OPTIMAL")
    shop.until_phase("Idle")
    shop.deploy(CANARY, "2")
    shop.until_phase("Waiting", reason="RouteMissing")
    shop.route()
    shop.until_phase("Waiting", reason="ServiceMissing")
    shop.serve(STABLE)
    shop.serve(CANARY)
    shop.until_phase("Waiting", reason="StableMissing")
    shop.postgres.down()
    wait_until(lambda: shop.stage.standing() not in (None, "OPTIMAL"), "the level falls")
    shop.postgres.up()
    shop.stage.wait_for_level("OPTIMAL")
    shop.deploy(STABLE, "1")
    shop.until_phase("Held", weight=25)
    assert shop.gateway.shares("web") == [0, 25]
    shop.change_rollout(shop.spec((25, 1), (100, 1)))
    shop.until_phase("Succeeded")


@story
def test_a_canary_that_had_traffic_before_loses_it_to_a_bad_version(shop: Shop) -> None:
    """And has it again when the next version is good; until then a sync changes nothing."""
    shop.furnish((50, 50))
    shop.put_policy(shop.spec((5, 1), (100, 1)))
    shop.start()
    shop.until(lambda s: s.get("reason") == "UpToDate", "version 1 is the stable one")
    shop.prometheus.errors = {CANARY: 0.5}
    shop.release()
    shop.until_phase("RolledBack")
    assert shop.weights == (100, 0)
    shop.route((50, 50))
    shop.until_weights(100, 0)
    shop.prometheus.errors = {}
    shop.release("3")
    shop.until(lambda s: s["phase"] == "Succeeded", "the next version is good")
    assert (shop.weights, shop.noted) == ((50, 50), False)


@story
def test_the_user_has_their_own_weights_back_when_the_policy_goes(shop: Shop) -> None:
    shop.furnish((50, 50))
    shop.put_policy(shop.spec((5, 1), (100, 1)))
    shop.start()
    shop.until(lambda s: s.get("reason") == "UpToDate", "version 1 is the stable one")
    shop.prometheus.errors = {CANARY: 0.5}
    shop.release()
    shop.until_phase("RolledBack")
    shop.stage.delete_policy()
    shop.until_gone()
    assert (shop.weights, shop.noted) == ((50, 50), False)


@story
def test_a_bad_version_goes_home_without_its_service_and_without_a_gateways_word(
    shop: Shop,
) -> None:
    shop.open(shop.spec((25, 600), (100, 1), metrics=False))
    shop.release()
    shop.until_phase("Progressing", weight=25)
    shop.gateway.resolves = False
    gone(shop, f"v1/services/{CANARY}")
    shop.until_phase("Failed")
    assert (shop.weights, shop.noted) == ((100, 0), False)


@story
def test_a_spec_that_aims_elsewhere(shop: Shop) -> None:
    """The weights of the first route are put back; the version goes out anew on the other one."""
    spec = shop.spec((25, 600), (100, 1), metrics=False)
    shop.open(spec)
    shop.release()
    shop.until_phase("Progressing", weight=25)
    live = shop.stage.find(f"{ROUTES}/{ROUTE}")
    assert live is not None
    other = {"metadata": {"name": "other"}, "spec": copy.deepcopy(live["spec"])}
    for backend, weight in zip(other["spec"]["rules"][0]["backendRefs"], (100, 0), strict=True):
        backend["weight"] = weight
    other |= {"apiVersion": live["apiVersion"], "kind": live["kind"]}
    shop.apply(f"{ROUTES}/other", other)
    shop.change_rollout({**spec, "traffic": {"httpRoute": {"name": "other"}}})
    shop.until_weights(100, 0)
    wait_until(lambda: shop.gateway.shares("other") == [0, 25], "the other route has its weight")
    shop.until_phase("Progressing", weight=25)
    assert not shop.noted
    assert [each["reason"] for each in shop.status["history"]] == ["TargetChanged"]
    assert shop.until_said("RolloutTargetChanged")


def _weighs(shop: Shop, stable: int, canary: int) -> None:
    assert shop.weights == (stable, canary)
