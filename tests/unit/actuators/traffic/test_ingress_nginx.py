"""A canary Ingress of our own beside the stable one."""

from typing import Any

import pytest

from resilience_operator.actuators.traffic.ingress_nginx import IngressNginx
from resilience_operator.actuators.traffic.rules import Arms
from resilience_operator.api.v1alpha1.base import MANAGED_BY_LABEL
from resilience_operator.core.errors import Forbidden
from resilience_operator.core.resources import INGRESSES
from tests.unit.actuators.traffic.objects import NAMESPACE, Body, Objects

STABLE, CANARY = "dashboard", "dashboard-canary"
PREFIX = "nginx.ingress.kubernetes.io/"


def path(service: str, where: str = "/") -> Body:
    port = {"number": 80}
    return {
        "path": where,
        "pathType": "Prefix",
        "backend": {"service": {"name": service, "port": port}},
    }


def make_ingress(name: str, *paths: Body, **metadata: Any) -> Body:
    return {
        "metadata": {"name": name, **metadata},
        "spec": {
            "ingressClassName": "nginx",
            "tls": [{"hosts": ["shop.example"], "secretName": "cert"}],
            "rules": [
                {"host": "shop.example", "http": {"paths": list(paths)}},
                {"host": "static.example", "http": {"paths": [path("static")]}},
            ],
        },
    }


class Bench:
    def __init__(self, *paths: Body) -> None:
        self.api = Objects(STABLE, CANARY)
        self.stable = self.api.put(
            INGRESSES, make_ingress("web", *(paths or (path(STABLE), path("static", "/s"))))
        )
        arms = Arms(STABLE, CANARY)
        self.router = IngressNginx(self.api, NAMESPACE, "web", arms, "inventario")

    @property
    def canary(self) -> Body:
        return self.api.live(INGRESSES, "web-canary")

    @property
    def exists(self) -> bool:
        return ("Ingress", "web-canary") in self.api.objects


async def test_the_canary_ingress() -> None:
    bench = Bench()
    assert (await bench.router.read(None)).weight == 0
    view = await bench.router.set_weight(5, ())
    assert (view.weight, view.problem) == (5, None)
    assert bench.canary["metadata"]["labels"][MANAGED_BY_LABEL] == "inventario"
    assert bench.canary["metadata"]["annotations"] == {
        f"{PREFIX}canary": "true",
        f"{PREFIX}canary-weight": "5",
        f"{PREFIX}canary-weight-total": "100",
    }
    assert bench.canary["spec"] == {
        "ingressClassName": "nginx",
        "rules": [{"host": "shop.example", "http": {"paths": [path(CANARY)]}}],
    }
    assert bench.api.live(INGRESSES, "web") == bench.stable
    await bench.router.set_weight(5, ())
    assert bench.api.writes == 1


async def test_a_class_by_annotation_is_the_canarys_too() -> None:
    """Without it ingress-nginx would pass the canary over, and no weight would be in force."""
    bench = Bench()
    del bench.stable["spec"]["ingressClassName"]
    bench.stable["metadata"]["annotations"] = {"kubernetes.io/ingress.class": "nginx", "x": "y"}
    await bench.router.set_weight(5, ())
    assert bench.canary["metadata"]["annotations"]["kubernetes.io/ingress.class"] == "nginx"
    assert "x" not in bench.canary["metadata"]["annotations"]
    assert "ingressClassName" not in bench.canary["spec"]
    assert not (await bench.router.read(5)).drifted
    del bench.api.objects[("Ingress", "web")]
    await bench.router.restore(())
    assert not bench.exists


async def test_the_default_class_is_no_drift() -> None:
    bench = Bench()
    del bench.stable["spec"]["ingressClassName"]
    await bench.router.set_weight(5, ())
    bench.canary["spec"]["ingressClassName"] = "nginx"  # the API server's
    assert not (await bench.router.read(5)).drifted


async def test_drift_is_seen_and_mended() -> None:
    bench = Bench()
    await bench.router.set_weight(5, ())
    bench.canary["metadata"]["annotations"][f"{PREFIX}canary-weight"] = "50"
    view = await bench.router.read(5)
    assert (view.weight, view.drifted) == (50, True)
    await bench.router.set_weight(5, ())
    assert not (await bench.router.read(5)).drifted
    del bench.api.objects[("Ingress", "web-canary")]
    view = await bench.router.read(5)
    assert (view.weight, view.drifted) == (0, True)


async def test_new_rules_of_the_stable_ingress_are_followed() -> None:
    bench = Bench()
    await bench.router.set_weight(5, ())
    bench.api.put(INGRESSES, make_ingress("web", path(STABLE, "/new")))
    assert (await bench.router.read(5)).drifted
    await bench.router.set_weight(5, ())
    (rule,) = bench.canary["spec"]["rules"]
    assert rule["http"]["paths"] == [path(CANARY, "/new")]


@pytest.mark.parametrize("key", ["canary-by-header", "canary-by-header-value", "canary-by-cookie"])
async def test_headers_and_cookies_outrank_the_weight(key: str) -> None:
    bench = Bench()
    await bench.router.set_weight(5, ())
    bench.canary["metadata"]["annotations"][PREFIX + key] = "x"
    view = await bench.router.read(5)
    assert view.problem is not None
    assert view.problem.reason == "WeightOverruled"
    assert key in view.problem.message


async def test_somebody_elses_ingress_of_that_name_is_refused_and_kept() -> None:
    bench = Bench()
    bench.api.put(INGRESSES, make_ingress("web-canary", path("x")))
    for view in (await bench.router.read(5), await bench.router.set_weight(5, ())):
        assert view.problem is not None
        assert view.problem.reason == "IngressNotOurs"
    await bench.router.restore(())
    assert bench.exists
    assert bench.api.writes == 0


async def test_another_policys_canary_ingress_is_waited_for_and_its_policy_named() -> None:
    bench = Bench()
    await bench.router.set_weight(5, ())
    other = IngressNginx(bench.api, NAMESPACE, "web", Arms(STABLE, CANARY), "other")
    writes = bench.api.writes
    for view in (await other.read(5), await other.set_weight(50, ())):
        assert view.problem is not None
        assert view.problem.reason == "IngressNotOurs"
        assert "is of the policy inventario" in view.problem.message
    assert bench.api.writes == writes
    await bench.router.restore(())
    assert (await other.set_weight(50, ())).problem is None


async def test_restore_takes_the_weight_and_then_the_ingress_away() -> None:
    bench = Bench()
    await bench.router.set_weight(5, ())
    del bench.api.objects[("Ingress", "web")]
    view = await bench.router.read(5)
    assert view.problem is not None
    assert view.problem.reason == "StableIngressMissing"
    assert (await bench.router.restore(())).weight == 0
    assert not bench.exists
    assert bench.api.writes == 3  # created, set to 0, deleted
    assert (await bench.router.restore(())).problem is None


async def test_problems() -> None:
    bench = Bench(path("static"))
    view = await bench.router.set_weight(5, ())
    assert view.problem is not None
    assert view.problem.reason == "BackendMissing"
    bench = Bench()
    bench.stable["metadata"]["labels"] = {"app.kubernetes.io/managed-by": "flagger"}
    view = await bench.router.set_weight(5, ())
    assert view.problem is not None
    assert view.problem.reason == "ManagedByOther"
    del bench.api.objects[("Ingress", "web")]
    view = await bench.router.read(5)
    assert view.problem is not None
    assert view.problem.reason == "RouteMissing"
    bench = Bench()
    bench.api.refuse = Forbidden("no", status=403)
    view = await bench.router.set_weight(5, ())
    assert view.problem is not None
    assert view.problem.reason == "RouteForbidden"
