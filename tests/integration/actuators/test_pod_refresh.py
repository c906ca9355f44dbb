"""Pods and Deployments on a real API server. Nothing runs there; the objects are what counts."""

from typing import Any

import pytest

from resilience_operator.actuators import Applied, PodRefresh
from resilience_operator.actuators.workloads import DIGEST_ANNOTATION, RESTART_ANNOTATION
from resilience_operator.api.v1alpha1.policy import LabelSelector, Propagation, Target
from resilience_operator.core.resources import DEPLOYMENTS, PODS
from resilience_operator.kube.client import KubeClient

TARGETS = (Target(name="dashboard"),)
APPLIED = Applied("inventario-flags", "content", "digest-1", "1", written_at=None)
POD_SPEC: dict[str, Any] = {
    "automountServiceAccountToken": False,
    "containers": [
        {
            "name": "app",
            "image": "app",
            "volumeMounts": [{"name": "flags", "mountPath": "/flags"}],
        }
    ],
    "volumes": [{"name": "flags", "configMap": {"name": "inventario-flags"}}],
}
LABELS = {"app": "dashboard"}
OWNERS = [
    {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "name": "dashboard-1",
        "uid": "00000000-0000-0000-0000-000000000001",
        "controller": True,
    }
]


async def create_pod(api: KubeClient, namespace: str, name: str, **metadata: Any) -> None:
    body = {
        "metadata": {"name": name, "labels": LABELS, "ownerReferences": OWNERS, **metadata},
        "spec": POD_SPEC,
    }
    await api.create(PODS, namespace, body)


async def annotations(api: KubeClient, namespace: str, pod: str) -> dict[str, str]:
    found = await api.get(PODS, namespace, pod)
    assert found is not None
    return dict(found["metadata"].get("annotations") or {})


@pytest.fixture
async def shop(api: KubeClient, namespace: str) -> str:
    """A Deployment with two pods, in a namespace whose name is returned."""
    deployment = {
        "metadata": {"name": "dashboard", "labels": LABELS},
        "spec": {
            "replicas": 2,
            "selector": {
                "matchLabels": LABELS,
                "matchExpressions": [{"key": "track", "operator": "NotIn", "values": ["canary"]}],
            },
            "template": {"metadata": {"labels": LABELS}, "spec": POD_SPEC},
        },
    }
    await api.create(DEPLOYMENTS, namespace, deployment)
    for name in ("a", "b"):
        await create_pod(api, namespace, name)
    return namespace


async def test_pods_are_annotated_once_and_bystanders_never(api: KubeClient, shop: str) -> None:
    await create_pod(api, shop, "canary", labels={**LABELS, "track": "canary"})
    await create_pod(api, shop, "by-hand", ownerReferences=[])
    pods = PodRefresh(api)
    outcome = await pods.refresh(shop, TARGETS, APPLIED)
    assert (outcome.refreshed, outcome.total, outcome.patched) == (2, 2, 2)
    assert (outcome.missing, outcome.notes, outcome.failures) == ((), (), ())
    assert await annotations(api, shop, "a") == {DIGEST_ANNOTATION: "digest-1"}
    assert await annotations(api, shop, "canary") == {}
    assert await annotations(api, shop, "by-hand") == {}
    assert (await pods.refresh(shop, TARGETS, APPLIED)).patched == 0


async def test_the_template_is_left_alone(api: KubeClient, shop: str) -> None:
    before = await api.get(DEPLOYMENTS, shop, "dashboard")
    await PodRefresh(api).refresh(shop, TARGETS, APPLIED)
    assert await api.get(DEPLOYMENTS, shop, "dashboard") == before


async def test_targets_by_label(api: KubeClient, shop: str) -> None:
    targets = (Target(selector=LabelSelector(match_labels=LABELS)),)
    assert (await PodRefresh(api).refresh(shop, targets, APPLIED)).refreshed == 2


async def test_a_missing_deployment_is_a_problem(api: KubeClient, shop: str) -> None:
    outcome = await PodRefresh(api).refresh(shop, (Target(name="gone"), *TARGETS), APPLIED)
    assert outcome.missing[0].reason == "DeploymentMissing"
    assert outcome.refreshed == 2


class Racing(KubeClient):
    """A pod goes away between our list and our patch."""

    async def merge_patch(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        if args[2] == "a":
            await self.delete(*args[:3])
        return await super().merge_patch(*args, **kwargs)


async def test_a_pod_that_went_meanwhile_is_fine(api: KubeClient, shop: str) -> None:
    outcome = await PodRefresh(Racing(api._connection)).refresh(shop, TARGETS, APPLIED)
    assert (outcome.refreshed, outcome.total, outcome.complete) == (1, 1, True)


async def test_undo_leaves_no_annotation(api: KubeClient, shop: str) -> None:
    pods = PodRefresh(api)
    await pods.refresh(shop, TARGETS, APPLIED)
    outcome = await pods.undo(Propagation.REFRESH, shop, TARGETS, APPLIED)
    assert (outcome.refreshed, outcome.total) == (2, 2)
    assert await annotations(api, shop, "a") == {}


async def test_restart_makes_a_new_generation_once(api: KubeClient, shop: str) -> None:
    pods = PodRefresh(api)
    for _ in range(2):
        await pods.restart(shop, TARGETS, APPLIED)
    live = await api.get(DEPLOYMENTS, shop, "dashboard")
    assert live is not None
    assert live["metadata"]["generation"] == 2
    annotated = live["spec"]["template"]["metadata"]["annotations"]
    assert annotated == {RESTART_ANNOTATION: "digest-1"}
