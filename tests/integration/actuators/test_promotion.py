"""The canary's pod template in a real stable Deployment: selectors hold, and once is enough."""

from typing import Any

import pytest

from resilience_operator.actuators.promotion import Promotion
from resilience_operator.core.resources import DEPLOYMENTS, SERVICES
from resilience_operator.core.rollout.workloads import content_of, revision_of
from resilience_operator.kube.client import KubeClient

Body = dict[str, Any]


def make_deployment(name: str, image: str, **labels: str) -> Body:
    spread = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": {"app": name}},
    }
    pod = {
        "containers": [{"name": "app", "image": image, "env": [{"name": "A", "value": "1"}]}],
        "topologySpreadConstraints": [spread],
    }
    template = {"metadata": {"labels": {"app": name, **labels}}, "spec": pod}
    return {
        "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": {"app": name}}, "template": template},
    }


async def live(api: KubeClient, namespace: str, name: str) -> Body:
    found = await api.get(DEPLOYMENTS, namespace, name)
    assert found is not None
    return found


@pytest.fixture
async def pair(api: KubeClient, namespace: str) -> None:
    stable = make_deployment("web", "app:1", track="stable")
    canary = make_deployment("canary", "app:2", track="canary", who="canary")
    for body in (stable, canary):
        await api.create(DEPLOYMENTS, namespace, body)
    spec = {"selector": {"who": "canary"}, "ports": [{"port": 80}]}
    await api.create(SERVICES, namespace, {"metadata": {"name": "canary"}, "spec": spec})


async def test_copied_once_and_nothing_but_the_template(
    api: KubeClient, namespace: str, pair: None
) -> None:
    before, canary = await live(api, namespace, "web"), await live(api, namespace, "canary")
    assert content_of(before) != content_of(canary)
    promotion = Promotion(api)
    assert await promotion.copy_template(namespace, "web", "canary", revision_of(canary)) is None
    after = await live(api, namespace, "web")
    assert content_of(after) == content_of(canary)
    template = after["spec"].pop("template")
    before["spec"].pop("template")
    assert after["spec"] == before["spec"]
    assert template["metadata"]["labels"] == {"app": "web", "track": "stable"}
    (spread,) = template["spec"]["topologySpreadConstraints"]
    assert spread["labelSelector"] == {"matchLabels": {"app": "web"}}

    assert await promotion.copy_template(namespace, "web", "canary") is None
    again = await live(api, namespace, "web")
    assert again["metadata"]["resourceVersion"] == after["metadata"]["resourceVersion"]


async def test_a_restart_is_the_same_revision_and_an_image_another(
    api: KubeClient, namespace: str, pair: None
) -> None:
    first = revision_of(await live(api, namespace, "canary"))
    stamp = {"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"}
    body = {"spec": {"template": {"metadata": {"annotations": stamp}}}}
    await api.merge_patch(DEPLOYMENTS, namespace, "canary", body)
    assert revision_of(await live(api, namespace, "canary")) == first
    image = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "app:3"}]
    await api.json_patch(DEPLOYMENTS, namespace, "canary", image)
    assert revision_of(await live(api, namespace, "canary")) != first
    problem = await Promotion(api).copy_template(namespace, "web", "canary", first)
    assert problem is not None
    assert problem.reason == "CanaryChanged"
