"""Rollouts that are held: not the version's fault, or nobody can tell."""

from tests.integration.operator.harness import throughout
from tests.integration.rollouts.shop import CANARY, STABLE, Shop
from tests.integration.stories import story


@story
def test_an_outage_holds_the_rollout_and_then_it_goes_on(shop: Shop) -> None:
    shop.open(shop.spec((5, 3), (100, 1)))
    shop.release()
    shop.until_phase("Progressing", weight=5)
    shop.prometheus.errors = {STABLE: 0.3, CANARY: 0.3}
    shop.openai.down()
    shop.until_phase("Held", attribution="DependencyFault")
    throughout(3.5, lambda: _weighs(shop, 95, 5))
    shop.prometheus.errors = {}
    shop.openai.up()
    shop.until_phase("Succeeded")
    assert shop.gateway.shares("web") == [0, 5, 100, 0]


@story
def test_a_prometheus_that_is_gone_holds_the_rollout(shop: Shop) -> None:
    shop.open(shop.spec((5, 3), (100, 1)))
    shop.release()
    shop.until_phase("Progressing", weight=5)
    shop.prometheus.blind = True
    shop.until_phase("Held")
    throughout(2.0, lambda: _weighs(shop, 95, 5))
    shop.prometheus.blind = False
    shop.until_phase("Succeeded")
    assert shop.gateway.shares("web") == [0, 5, 100, 0]


def _weighs(shop: Shop, stable: int, canary: int) -> None:
    assert shop.weights == (stable, canary)
