"""Whole rollouts with a canary Ingress and with a VirtualService: a good version and a bad one."""

from tests.integration.operator.harness import wait_until
from tests.integration.operator.policies import Body
from tests.integration.rollouts.shop import CANARY, STABLE, Shop
from tests.integration.stories import story

INGRESSES = "networking.k8s.io/v1/ingresses"
VIRTUAL_SERVICES = "networking.istio.io/v1/virtualservices"
WEIGHT = "nginx.ingress.kubernetes.io/canary-weight"


def put_ingress(shop: Shop) -> Body:
    """An Ingress to the stable Service; what a rollout calls it."""
    backend = {"service": {"name": STABLE, "port": {"number": 80}}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
    spec = {"ingressClassName": "nginx", "rules": [{"http": {"paths": paths}}]}
    shop.stage.create(INGRESSES, {"metadata": {"name": "web"}, "spec": spec})
    return {"ingressNginx": {"ingress": "web"}}


def canary_weight(shop: Shop) -> int | None:
    """The share that ingress-nginx would send to the canary; None without a canary Ingress."""
    found = shop.stage.find(f"{INGRESSES}/web-canary")
    return None if found is None else int(found["metadata"]["annotations"][WEIGHT])


def put_virtual_service(shop: Shop) -> Body:
    """A VirtualService with both Services; what a rollout calls it."""
    route = [
        {"destination": {"host": name}, "weight": weight}
        for name, weight in ((STABLE, 100), (CANARY, 0))
    ]
    body = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "web"},
        "spec": {"hosts": ["shop.example"], "http": [{"route": route}]},
    }
    shop.stage.create(VIRTUAL_SERVICES, body)
    return {"istio": {"virtualService": "web"}}


def route_weights(shop: Shop) -> list[int]:
    """Of the VirtualService's destinations."""
    found = shop.stage.find(f"{VIRTUAL_SERVICES}/web")
    assert found is not None
    return [each["weight"] for each in found["spec"]["http"][0]["route"]]


def open_with(shop: Shop, traffic: Body) -> None:
    """Everything at version 1 under the operator, with that router."""
    shop.furnish(route=False)
    shop.put_policy(shop.spec((5, 2), (100, 2), traffic=traffic))
    shop.start()
    shop.until(lambda s: s.get("reason") == "UpToDate", "version 1 is the stable one")


@story
def test_a_good_version_by_ingress(shop: Shop) -> None:
    open_with(shop, put_ingress(shop))
    stable = shop.stage.find(f"{INGRESSES}/web")
    shop.release()
    for weight in (5, 100):
        wait_until(lambda w=weight: canary_weight(shop) == w, f"{weight} % by the canary Ingress")
    shop.until_phase("Succeeded")
    assert canary_weight(shop) is None
    assert shop.stage.find(f"{INGRESSES}/web") == stable
    assert shop.image(STABLE) == "shop:2"


@story
def test_a_bad_version_by_ingress(shop: Shop) -> None:
    open_with(shop, put_ingress(shop))
    shop.prometheus.errors = {STABLE: 0.01, CANARY: 0.3}
    shop.release()
    wait_until(lambda: canary_weight(shop) == 5, "the first step is in force")
    # A person's edit is put right, and the canary Ingress goes for good.
    edit = {"metadata": {"annotations": {WEIGHT: "50"}}}
    shop.stage.patch(f"{INGRESSES}/web-canary", edit)
    shop.until_phase("RolledBack")
    wait_until(lambda: canary_weight(shop) is None, "the canary Ingress is gone")
    assert shop.image(STABLE) == "shop:1"


@story
def test_a_good_version_by_istio(shop: Shop) -> None:
    open_with(shop, put_virtual_service(shop))
    shop.release()
    for weights in ([95, 5], [0, 100]):
        wait_until(lambda w=weights: route_weights(shop) == w, f"the route has {weights}")
    shop.until_phase("Succeeded")
    assert route_weights(shop) == [100, 0]
    assert shop.image(STABLE) == "shop:2"


@story
def test_a_policy_deleted_in_the_middle_by_istio(shop: Shop) -> None:
    open_with(shop, put_virtual_service(shop))
    shop.change_rollout(
        shop.spec((25, 600), (100, 1), traffic={"istio": {"virtualService": "web"}})
    )
    shop.release()
    wait_until(lambda: route_weights(shop) == [75, 25], "the first step is in force")
    shop.stage.delete_policy()
    shop.until_gone()
    assert route_weights(shop) == [100, 0]
