"""Two policies whose rollouts have the same arms: the older one drives, the other says so."""

from typing import Any

from tests.integration.custom_resources import objects
from tests.integration.operator.harness import throughout, wait_until
from tests.integration.operator.policies import NAME, Body, dependency, policy
from tests.integration.operator.stage import POLICIES
from tests.integration.rollouts.shop import CANARY, JSON_PATCH, STABLE, Shop
from tests.integration.stories import story

YOUNGER = "zweite"
REASON = "DrivenByOtherPolicy"


def put_younger(shop: Shop, rollout: Body) -> None:
    """The second policy; of the same second, its name comes later."""
    shop.stage.apply(policy(dependency("openai", 20, shop.openai), name=YOUNGER, rollout=rollout))


def change_younger(shop: Shop, rollout: Body) -> None:
    operations: Any = [{"op": "replace", "path": "/spec/rollout", "value": rollout}]
    path = objects(shop.namespace, POLICIES, YOUNGER)
    shop.stage.api.send("PATCH", path, operations, content_type=JSON_PATCH)


def younger(shop: Shop) -> Body:
    """`status.rollout` of the second policy."""
    found: Body = shop.stage.policy(YOUNGER).get("status", {}).get("rollout", {})
    return found


def until_younger(shop: Shop, **fields: Any) -> Body:
    """Wait for fields of that status."""

    def reached() -> Body | None:
        found = younger(shop)
        return found if all(found.get(key, 0) == value for key, value in fields.items()) else None

    try:
        return wait_until(reached, f"{YOUNGER}: {fields}", 60.0)
    except AssertionError as error:
        raise AssertionError(f"{error}; the status is {younger(shop)}") from None


@story
def test_the_younger_one_waits_until_the_older_one_is_deleted(shop: Shop) -> None:
    shop.furnish()
    shop.put_policy(shop.spec((25, 3), (100, 1), metrics=False))
    put_younger(shop, shop.spec((50, 1), (100, 1), metrics=False))
    shop.start()
    shop.until(lambda s: s.get("reason") == "UpToDate", "version 1 is the stable one")
    until_younger(shop, reason="UpToDate")
    shop.release()
    until_younger(shop, phase="Waiting", reason=REASON)
    condition = shop.stage.wait_for_condition("RolloutProgressing", "True", REASON, YOUNGER)
    assert f"policy {NAME} is older" in condition["message"]
    assert "Give this one Services of its own" in condition["message"]
    shop.until_phase("Succeeded")
    assert shop.gateway.shares("web") == [0, 25, 100, 0]
    shop.stage.delete_policy()
    shop.until_gone()
    shop.release("3")
    until_younger(shop, phase="Succeeded")
    assert shop.gateway.shares("web") == [0, 25, 100, 0, 50, 100, 0]
    assert (shop.noted, shop.image(STABLE)) == (False, "shop:3")


@story
def test_one_in_the_middle_is_held_survives_a_restart_and_goes_on(shop: Shop) -> None:
    shop.furnish()
    shop.put_policy(None)
    put_younger(shop, shop.spec((25, 600), (100, 1), metrics=False))
    operator = shop.start()
    until_younger(shop, reason="UpToDate")
    shop.release()
    until_younger(shop, phase="Progressing", weight=25)
    shop.change_rollout(shop.spec((50, 600), (100, 1), metrics=False))
    until_younger(shop, phase="Held", reason=REASON, weight=25)
    shop.until_phase("Progressing", weight=50)
    operator.stop()
    shop.start("two")
    throughout(5.0, lambda: _weighs(shop, 50, 50))
    assert len(shop.said("TrafficDrifted")) == 0
    shop.change_rollout(None)
    until_younger(shop, phase="Progressing", weight=25)
    assert shop.weights == (75, 25)
    change_younger(shop, shop.spec((25, 1), (100, 1), metrics=False))
    until_younger(shop, phase="Succeeded")
    assert (shop.weights, shop.noted, shop.image(STABLE)) == ((100, 0), False, "shop:2")


@story
def test_two_by_replicas(shop: Shop) -> None:
    shop.furnish(route=False)
    by_replicas = {"replicas": {"total": 4}}
    older = shop.spec((40, 600), (100, 1), metrics=False, traffic=by_replicas)
    shop.put_policy(older)
    put_younger(shop, shop.spec((25, 600), (100, 1), metrics=False, traffic=by_replicas))
    shop.start()
    shop.until(lambda s: s.get("reason") == "UpToDate", "version 1 is the stable one")
    shop.release()
    shop.until_phase("Progressing", weight=40, realWeight=50)  # 2 of 4 pods
    waiting = until_younger(shop, phase="Waiting", reason=REASON)
    assert "the same Deployments" in waiting["message"]
    throughout(3.0, lambda: _counts(shop, 2, 2))
    shop.stage.delete_policy()
    until_younger(shop, phase="Progressing", weight=25)
    throughout(2.0, lambda: _counts(shop, 3, 1))


def _weighs(shop: Shop, stable: int, canary: int) -> None:
    assert shop.weights == (stable, canary)


def _counts(shop: Shop, stable: int, canary: int) -> None:
    found = [shop.stage.find(f"apps/v1/deployments/{name}") for name in (STABLE, CANARY)]
    assert [each and each["spec"]["replicas"] for each in found] == [stable, canary]
