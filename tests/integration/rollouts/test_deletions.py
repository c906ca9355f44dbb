"""What goes away in mid-rollout, in each phase: traffic is home, and nothing hangs."""

from collections.abc import Iterator

from tests.integration.operator.harness import throughout, wait_until
from tests.integration.rollouts.shop import CANARY, ROUTE, ROUTES, STABLE, Body, Shop
from tests.integration.stories import story

_APPROVED = {"approval": "BeforeEachStep"}


def phases(shop: Shop) -> Iterator[str]:
    """Brings a new version into one phase after another; whatever was is over by then."""
    specs: dict[str, Body] = {
        "Waiting": shop.spec((25, 600), (100, 1), metrics=False, gate=_APPROVED),
        "Progressing": shop.spec((25, 600), (100, 1), metrics=False),
        "Paused": shop.spec((25, 600), (100, 1), metrics=False),
        "Held": shop.spec((25, 0), (100, 1), metrics=False, gate=_APPROVED),
        "Promoting": shop.spec((100, 0), metrics=False),
    }
    for number, (phase, spec) in enumerate(specs.items(), 2):
        shop.furnish()
        shop.put_policy(spec)
        shop.until(lambda s: s.get("phase") not in (None, "Waiting"), "the last version is over")
        if phase == "Promoting":
            shop.deployments.slow.add(STABLE)
        shop.release(str(number))
        if phase == "Held":
            shop.until_phase("Waiting", reason="AwaitingApproval")
            shop.say("resume")
        if phase == "Paused":
            shop.until_phase("Progressing", weight=25)
            shop.say("pause")
        if phase == "Promoting":
            shop.until_phase(phase, reason="StableUpdating")
        else:
            shop.until_phase(phase, weight=0 if phase == "Waiting" else 25)
        yield phase


def home(shop: Shop) -> None:
    """Everything is as the user had it."""
    assert (shop.weights, shop.noted) == ((100, 0), False)
    for name in (STABLE, CANARY):
        live = shop.stage.find(f"apps/v1/deployments/{name}")
        assert live is None or live["spec"]["replicas"] == 2


@story
def test_the_policy_goes(shop: Shop) -> None:
    shop.open()
    for _ in phases(shop):
        shop.stage.delete_policy()
        shop.until_gone()
        home(shop)
        shop.deployments.slow.clear()


@story
def test_the_canary_goes(shop: Shop) -> None:
    shop.open()
    for phase in phases(shop):
        shop.stage.delete(f"apps/v1/deployments/{CANARY}")
        shop.until_phase("Failed", reason="CanaryMissing")
        assert "Deployment web-canary is gone" in shop.status["message"], phase
        home(shop)
        shop.deployments.slow.clear()


@story
def test_the_canarys_service_goes(shop: Shop) -> None:
    shop.open()
    for phase in phases(shop):
        shop.stage.delete(f"v1/services/{CANARY}")
        if phase == "Waiting":
            shop.until_phase("Waiting", reason="ServiceMissing")
            shop.say("abort")
            shop.until_phase("RolledBack")
        elif phase == "Promoting":
            shop.deployments.finish(STABLE)
            shop.until_phase("Succeeded")
        else:
            shop.until_phase("Failed")
            assert "Service web-canary is gone" in shop.status["message"]
        home(shop)


@story
def test_the_route_goes(shop: Shop) -> None:
    """The rollout waits for it to come back, and the policy for nothing."""
    shop.open()
    for phase in phases(shop):
        shop.stage.delete(f"{ROUTES}/{ROUTE}")
        if phase == "Promoting":
            shop.deployments.finish(STABLE)
            shop.until_phase("Succeeded")
        elif phase == "Paused":
            shop.stage.delete_policy()
            shop.until_gone()
        else:
            shop.until(lambda s: s["reason"] == "RouteMissing", "it is said")
            if phase == "Waiting":
                shop.until_phase("Waiting")
            else:
                shop.until_phase("Held")
                shop.route()
                shop.until_phase("Progressing" if phase == "Progressing" else "Held", weight=25)
                shop.until_weights(75, 25)
            shop.stage.delete_policy()
            shop.until_gone()


@story
def test_the_namespace_goes(shop: Shop) -> None:
    """Nothing new may be made in it by then, events included."""
    shop.open(shop.spec((25, 600), (100, 1), metrics=False))
    shop.release()
    shop.until_phase("Progressing", weight=25)
    shop.stage.api.send("DELETE", f"/api/v1/namespaces/{shop.namespace}")
    shop.stage.delete(f"apps/v1/deployments/{CANARY}")
    shop.stage.delete(f"v1/services/{CANARY}")
    shop.stage.delete_policy()
    shop.until_gone()
    assert shop.weights == (100, 0)


@story
def test_the_policy_goes_while_its_decisions_are_under_way(shop: Shop) -> None:
    """A weight that is being set when the policy is deleted does not outlive it."""
    shop.open()
    for number in range(2, 6):
        shop.furnish()
        shop.put_policy(shop.spec((5, 0), (25, 0), (60, 0), (100, 600), metrics=False))
        shop.until(lambda s: s.get("phase") not in (None, "Waiting"), "it is driven")
        shop.release(str(number))
        wait_until(lambda n=number: shop.weights != (100, 0), "a weight is set")  # type: ignore[misc]
        shop.stage.delete_policy()
        shop.until_gone()
        throughout(0.5, lambda: home(shop))
