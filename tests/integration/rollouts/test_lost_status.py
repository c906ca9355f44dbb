"""Policies whose status is lost, as in a cluster that was built anew from what was applied."""

from typing import Any

from tests.integration.custom_resources import MERGE, objects
from tests.integration.operator.harness import OperatorProcess, wait_until
from tests.integration.operator.policies import NAME
from tests.integration.operator.stage import POLICIES
from tests.integration.rollouts.shop import CANARY, Shop
from tests.integration.stories import story


def lose_the_status(shop: Shop, operator: OperatorProcess, rollout: dict[str, Any]) -> None:
    """Replace the policy by one that nobody has looked at yet, while no operator runs."""
    operator.kill()
    path = objects(shop.namespace, POLICIES, NAME)
    body = {"metadata": {"finalizers": None}}
    shop.stage.api.send("PATCH", path, body, content_type=MERGE)
    shop.stage.delete_policy()
    wait_until(lambda: not shop.stage.policy(), "the policy is gone")
    shop.put_policy(rollout)
    assert not shop.status


@story
def test_a_rollout_under_way_begins_again_and_keeps_its_way_home(shop: Shop) -> None:
    rollout = shop.spec((5, 1), (25, 600), (100, 1))
    operator = shop.open(rollout)
    shop.release()
    shop.until_phase("Progressing", weight=25)

    lose_the_status(shop, operator, rollout)
    assert (shop.weights, shop.noted) == ((75, 25), True)
    shop.start("two")

    shop.until_phase("Progressing", weight=25)
    shares = shop.gateway.shares("web")
    assert shares[:3] == [0, 5, 25]
    assert shares[3:] in ([0, 5, 25], [5, 25]), "it begins at the first step"
    shop.say("abort")
    shop.until_phase("RolledBack")
    assert (shop.weights, shop.noted) == ((100, 0), False), "as before the rollout that was lost"


@story
def test_a_version_that_was_rolled_back_begins_again(shop: Shop) -> None:
    """Which version was bad is of the past, and lost with it: a page warns of that."""
    rollout = shop.spec((5, 600), (100, 1))
    operator = shop.open(rollout)
    shop.release()
    shop.until_phase("Progressing", weight=5)
    shop.prometheus.errors = {CANARY: 0.5}
    shop.until_phase("RolledBack")

    lose_the_status(shop, operator, rollout)
    shop.prometheus.errors = {}
    shop.start("two")

    shop.until_phase("Progressing", weight=5)


@story
def test_a_version_that_is_the_stable_one_is_no_news(shop: Shop) -> None:
    rollout = shop.spec((5, 1), (100, 1))
    operator = shop.open(rollout)
    shop.release()
    shop.until_phase("Succeeded")

    lose_the_status(shop, operator, rollout)
    shop.start("two")

    shop.until(lambda s: s.get("reason") == "UpToDate", "there is nothing to roll out")
    assert shop.gateway.shares("web") == [0, 5, 100, 0]
