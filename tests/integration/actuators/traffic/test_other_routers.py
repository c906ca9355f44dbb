"""VirtualServices, canary Ingresses and replica counts on a real API server."""

from typing import Any

import pytest

from resilience_operator.actuators.traffic.ingress_nginx import FIELD_MANAGER, IngressNginx
from resilience_operator.actuators.traffic.istio import virtual_service
from resilience_operator.actuators.traffic.replicas import Replicas
from resilience_operator.actuators.traffic.rules import Arms
from resilience_operator.core.resources import DEPLOYMENTS, INGRESSES, VIRTUAL_SERVICES
from resilience_operator.kube.client import KubeClient

Body = dict[str, Any]
ARMS = Arms("dashboard", "dashboard-canary")
PREFIX = "nginx.ingress.kubernetes.io/"


def make_ingress() -> Body:
    backend = {"service": {"name": ARMS.stable, "port": {"number": 80}}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
    return {
        "metadata": {"name": "web", "annotations": {f"{PREFIX}rewrite-target": "/"}},
        "spec": {
            "ingressClassName": "nginx",
            "tls": [{"hosts": ["shop.example"], "secretName": "cert"}],
            "rules": [{"host": "shop.example", "http": {"paths": paths}}],
        },
    }


async def test_virtual_service(
    api: KubeClient, namespace: str, services: tuple[str, str], istio: None
) -> None:
    route = [
        {"destination": {"host": ARMS.stable, "subset": "v1"}, "weight": 80},
        {"destination": {"host": f"{ARMS.canary}.{namespace}.svc.cluster.local"}, "weight": 0},
        {"destination": {"host": "legacy.example.com"}, "weight": 20},
    ]
    spec = {"hosts": ["shop.example"], "http": [{"name": "main", "route": route}]}
    body = {"metadata": {"name": "dashboard"}, "spec": spec}
    await api.create(VIRTUAL_SERVICES, namespace, body)
    router = virtual_service(api, namespace, "dashboard", ("main",), ARMS)
    view = await router.set_weight(25, ())
    assert (view.weight, view.accepted, view.problem) == (25, True, None)
    live = await api.get(VIRTUAL_SERVICES, namespace, "dashboard")
    assert live is not None
    after = live["spec"]["http"][0]["route"]
    assert [d["weight"] for d in after] == [60, 20, 20]
    assert [d["destination"] for d in after] == [d["destination"] for d in route]
    await router.restore(view.originals)
    live = await api.get(VIRTUAL_SERVICES, namespace, "dashboard")
    assert live is not None
    assert live["spec"] == spec


async def test_canary_ingress_of_a_class_by_annotation(
    api: KubeClient, namespace: str, services: tuple[str, str]
) -> None:
    body = make_ingress()
    del body["spec"]["ingressClassName"]
    body["metadata"]["annotations"] = {"kubernetes.io/ingress.class": "nginx"}
    await api.create(INGRESSES, namespace, body)
    router = IngressNginx(api, namespace, "web", ARMS, "inventario")
    view = await router.set_weight(5, ())
    assert view.problem is None
    canary = await _live(api, namespace, "web-canary")
    assert canary["metadata"]["annotations"]["kubernetes.io/ingress.class"] == "nginx"
    assert not (await router.read(5)).drifted


async def test_canary_ingress(api: KubeClient, namespace: str, services: tuple[str, str]) -> None:
    before = await api.create(INGRESSES, namespace, make_ingress())
    router = IngressNginx(api, namespace, "web", ARMS, "inventario")
    assert (await router.read(None)).weight == 0
    await router.set_weight(5, ())
    canary = await api.get(INGRESSES, namespace, "web-canary")
    assert canary is not None
    assert canary["metadata"]["annotations"][f"{PREFIX}canary-weight"] == "5"
    assert canary["spec"]["rules"][0]["http"]["paths"][0]["backend"] == {
        "service": {"name": ARMS.canary, "port": {"number": 80}}
    }
    assert "ownerReferences" not in canary["metadata"]
    assert [e["manager"] for e in canary["metadata"]["managedFields"]] == [FIELD_MANAGER]

    annotations = {f"{PREFIX}canary-weight": "50"}
    edit = {"metadata": {"annotations": annotations}}
    await api.merge_patch(INGRESSES, namespace, "web-canary", edit)
    view = await router.read(5)
    assert (view.weight, view.drifted) == (50, True)
    view = await router.set_weight(5, ())
    assert not (await router.read(5)).drifted
    version = (await _live(api, namespace, "web-canary"))["metadata"]["resourceVersion"]
    await router.set_weight(5, ())
    unchanged = await _live(api, namespace, "web-canary")
    assert unchanged["metadata"]["resourceVersion"] == version

    await router.restore(view.originals)
    assert await api.get(INGRESSES, namespace, "web-canary") is None
    assert await _live(api, namespace, "web") == before


async def test_somebody_elses_canary_ingress(
    api: KubeClient, namespace: str, services: tuple[str, str]
) -> None:
    await api.create(INGRESSES, namespace, make_ingress())
    theirs = make_ingress()
    theirs["metadata"]["name"] = "web-canary"
    theirs = await api.create(INGRESSES, namespace, theirs)
    router = IngressNginx(api, namespace, "web", ARMS, "inventario")
    view = await router.set_weight(5, ())
    assert view.problem is not None
    assert view.problem.reason == "IngressNotOurs"
    await router.restore(())
    assert await _live(api, namespace, "web-canary") == theirs


async def _live(api: KubeClient, namespace: str, name: str) -> Body:
    found = await api.get(INGRESSES, namespace, name)
    assert found is not None
    return found


@pytest.mark.parametrize("weight", [25, 100])
async def test_replicas(api: KubeClient, namespace: str, weight: int) -> None:
    for name, replicas in (("web", 20), ("web-canary", 0)):
        pod = {"containers": [{"name": "app", "image": "app:1"}]}
        template = {"metadata": {"labels": {"app": name}}, "spec": pod}
        selector = {"matchLabels": {"app": name}}
        spec = {"replicas": replicas, "selector": selector, "template": template}
        await api.create(DEPLOYMENTS, namespace, {"metadata": {"name": name}, "spec": spec})
    router = Replicas(api, namespace, 20, "web", "web-canary")

    async def counts() -> tuple[int, int]:
        """The counts, once the Deployment controller has seen to them."""
        found = []
        for name in ("web", "web-canary"):
            live = await api.get(DEPLOYMENTS, namespace, name)
            assert live is not None
            number = live["spec"]["replicas"]
            status = {"observedGeneration": live["metadata"]["generation"], "replicas": number}
            status |= {"readyReplicas": number, "availableReplicas": number}
            await api.apply_status(DEPLOYMENTS, namespace, name, {"status": status}, "controller")
            found.append(number)
        return found[0], found[1]

    await counts()
    originals = (await router.read(None)).originals
    view = await router.set_weight(weight, originals)
    assert not view.accepted
    assert await counts() == (20, weight // 5)
    await router.set_weight(weight, originals)
    assert await counts() == (20 - weight // 5, weight // 5)
    view = await router.read(weight)
    assert (view.weight, view.accepted, view.real_share) == (weight, True, float(weight))
