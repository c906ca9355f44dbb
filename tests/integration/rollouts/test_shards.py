"""A rollout whose policy is given to another shard in the middle of it."""

from tests.integration.custom_resources import MERGE, objects
from tests.integration.operator.harness import OperatorProcess, wait_until
from tests.integration.operator.policies import NAME
from tests.integration.operator.stage import POLICIES
from tests.integration.rollouts.shop import STABLE, Moves, Shop
from tests.integration.stories import story

SHARD = "resilience.aidrive.dev/shard"


def shard(shop: Shop, name: str) -> OperatorProcess:
    """The operator of one shard."""
    return shop.start(name, policy_selector=f"{SHARD}={name}", lease_name=f"operator-{name}")


def move(shop: Shop, name: str) -> None:
    """Label the policy for that shard."""
    body = {"metadata": {"labels": {SHARD: name}}}
    path = objects(shop.namespace, POLICIES, NAME)
    shop.stage.api.send("PATCH", path, body, content_type=MERGE)


@story
def test_it_changes_hands_at_every_step_and_skips_and_repeats_none(shop: Shop) -> None:
    shop.furnish()
    shop.put_policy(shop.spec((5, 6), (25, 6), (60, 6), (100, 6)))
    shards = {name: shard(shop, name) for name in ("north", "south")}
    move(shop, "north")
    shop.until(lambda s: s.get("reason") == "UpToDate", "version 1 is the stable one")
    moves = Moves(shop)
    wait_until(lambda: moves.seen, "the policy is watched")
    shop.release()
    for number, weight in enumerate((5, 25, 60, 100)):
        shop.until_phase("Progressing", weight=weight)
        to = ("south", "north")[number % 2]
        move(shop, to)
        taken = shards[to]
        wait_until(lambda o=taken: o.metric("resilience_policies") == 1, f"{to} has it")
    shop.until_phase("Succeeded")
    moves.close()
    assert shop.gateway.shares("web") == [0, 5, 25, 60, 100, 0]
    steps = [step for _, step, _ in moves.seen]
    assert steps[1:] == sorted(steps[1:]), moves.seen
    assert (shop.weights, shop.noted, shop.image(STABLE)) == ((100, 0), False, "shop:2")
    assert [each["result"] for each in shop.status["history"]] == ["Succeeded"]
    for each in shards.values():
        assert each.said("policy taken over")
