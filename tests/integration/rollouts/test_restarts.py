"""An operator that is killed goes on where it was, wherever that is."""

from tests.integration.operator.harness import wait_until
from tests.integration.rollouts.shop import SHORT_LEASE, STABLE, Moves, Shop
from tests.integration.stories import story


@story
def test_killed_at_every_change(shop: Shop) -> None:
    """kill -9 whenever phase, step or weight have changed; no step is skipped or repeated."""
    operator = shop.open(shop.spec((5, 1), (25, 1), (60, 1), (100, 1)), **SHORT_LEASE)
    moves = Moves(shop)
    wait_until(lambda: moves.seen, "the policy is watched")
    moves.changed.clear()
    shop.release()
    kills = 0
    while shop.status.get("phase") != "Succeeded":
        assert moves.changed.wait(60.0), f"nothing changes any more: {shop.status}"
        moves.changed.clear()
        operator.kill()
        kills += 1
        operator.start()
    shop.until_phase("Succeeded")
    moves.close()
    assert kills >= 8, moves.seen
    assert shop.gateway.shares("web") == [0, 5, 25, 60, 100, 0]
    steps = [step for _, step, _ in moves.seen]
    assert steps[1:] == sorted(steps[1:]), moves.seen
    assert {1, 2, 3, 4} <= set(steps)
    assert (shop.weights, shop.noted, shop.image(STABLE)) == ((100, 0), False, "shop:2")
    assert [each["result"] for each in shop.status["history"]] == ["Succeeded"]


@story
def test_killed_while_a_bad_version_goes_home(shop: Shop) -> None:
    operator = shop.open(shop.spec((25, 600), (100, 1)), **SHORT_LEASE)
    moves = Moves(shop)
    wait_until(lambda: moves.seen, "the policy is watched")
    shop.release()
    shop.until_phase("Progressing", weight=25)
    moves.changed.clear()
    shop.prometheus.errors = {"web-canary": 0.5}
    while shop.status.get("phase") != "RolledBack":
        assert moves.changed.wait(60.0), f"nothing changes any more: {shop.status}"
        moves.changed.clear()
        operator.kill()
        operator.start()
    moves.close()
    assert shop.gateway.shares("web") == [0, 25, 0]
    assert [each["result"] for each in shop.status["history"]] == ["RolledBack"]


@story
def test_a_spec_taken_away_while_nobody_leads(shop: Shop) -> None:
    operator = shop.open(shop.spec((25, 600), (100, 1)))
    shop.release()
    shop.until_phase("Progressing", weight=25)
    operator.kill()
    shop.change_rollout(None)
    shop.start("two")
    shop.until_weights(100, 0)
    wait_until(lambda: not shop.status, "the status of the rollout is gone")
    wait_until(lambda: not shop.stage.condition("RolloutProgressing"), "so is its condition")
    assert not shop.noted


@story
def test_deleted_while_nobody_leads(shop: Shop) -> None:
    operator = shop.open(shop.spec((25, 600), (100, 1)))
    shop.release()
    shop.until_phase("Progressing", weight=25)
    operator.kill()
    shop.stage.delete_policy()
    shop.start("two")
    shop.until_gone()
    assert (shop.weights, shop.noted) == ((100, 0), False)
