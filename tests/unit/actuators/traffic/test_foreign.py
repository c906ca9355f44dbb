"""Objects of other progressive delivery tools."""

from typing import Any

import pytest

from resilience_operator.actuators.traffic.foreign import managed_by_other


def owner(api_version: str, kind: str) -> dict[str, Any]:
    return {"ownerReferences": [{"apiVersion": api_version, "kind": kind, "name": "x"}]}


def written_by(manager: str, field: str = "f:spec") -> dict[str, Any]:
    return {"managedFields": [{"manager": manager, "operation": "Update", "fieldsV1": {field: {}}}]}


@pytest.mark.parametrize(
    ("metadata", "tool"),
    [
        (owner("flagger.app/v1beta1", "Canary"), "Flagger"),
        (owner("argoproj.io/v1alpha1", "Rollout"), "Argo Rollouts"),
        ({"labels": {"rollouts.argoproj.io/gatewayapi-canary": "in-progress"}}, "Argo Rollouts"),
        ({"annotations": {"rollout.argoproj.io/revision": "3"}}, "Argo Rollouts"),
        ({"labels": {"app.kubernetes.io/managed-by": "flagger"}}, "Flagger"),
        (written_by("flagger"), "Flagger"),
        (written_by("rollouts-controller"), "Argo Rollouts"),
    ],
)
def test_refused(metadata: dict[str, Any], tool: str) -> None:
    problem = managed_by_other("HTTPRoute", {"metadata": {"name": "dashboard", **metadata}})
    assert problem is not None
    assert problem.reason == "ManagedByOther"
    assert f"HTTPRoute dashboard is managed by {tool}" in problem.message


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        owner("apps/v1", "Deployment"),
        owner("argoproj.io/v1alpha1", "Application"),
        {"annotations": {"argocd.argoproj.io/tracking-id": "x"}},
        {"labels": {"app.kubernetes.io/managed-by": "Helm"}},
        written_by("kubectl-client-side-apply"),
        written_by("argocd-controller"),
        written_by("flagger", "f:status"),  # has lost the spec to somebody else
    ],
)
def test_left_to_us(metadata: dict[str, Any]) -> None:
    assert managed_by_other("HTTPRoute", {"metadata": {"name": "dashboard", **metadata}}) is None
