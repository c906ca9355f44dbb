"""Deployments as a rollout sees them, and the template that stable gets."""

import copy
from typing import Any

import pytest

from resilience_operator.core.rollout.templates import copy_template
from resilience_operator.core.rollout.workloads import content_of, revision_of, view_deployment

Body = dict[str, Any]
RS = "web-7d4b9c"


def make_deployment(name: str = "web", image: str = "app:1", **template: Any) -> Body:
    labels = {"app": name, **template.pop("labels", {})}
    metadata: Body = {"labels": labels, **template.pop("metadata", {})}
    return {
        "metadata": {
            "name": name,
            "generation": 3,
        },
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": metadata,
                "spec": {"containers": [{"name": "app", "image": image}], **template},
            },
        },
        "status": {
            "observedGeneration": 3,
            "readyReplicas": 2,
            "updatedReplicas": 3,
            "availableReplicas": 1,
        },
    }


def make_pod(
    name: str,
    *,
    owner: str = RS,
    restarts: int = 0,
    waiting: str = "",
    created: str = "",
    **meta: Any,
) -> Body:
    status: Body = {"name": "app", "restartCount": restarts, "state": {}}
    if waiting:
        status["state"] = {"waiting": {"reason": waiting, "message": "secret words"}}
    owners = [{"kind": "ReplicaSet", "name": owner, "controller": True}]
    return {
        "metadata": {
            "name": name,
            "ownerReferences": owners,
            "creationTimestamp": created or "2026-01-01T00:00:00Z",
            **meta,
        },
        "status": {"containerStatuses": [status]},
    }


def test_counts_and_conditions() -> None:
    live = make_deployment()
    view = view_deployment("web", live, [])
    assert (view.desired, view.ready, view.updated, view.available) == (3, 2, 3, 1)
    assert view.observed
    assert not view.missing
    assert not view.failed_to_progress
    live["metadata"]["generation"] = 4
    live["status"]["conditions"] = [
        {"type": "Available", "status": "False"},
        {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"},
    ]
    view = view_deployment("web", live, [])
    assert view.failed_to_progress
    assert not view.observed


def test_missing() -> None:
    assert view_deployment("web", None, []).missing


def test_a_fresh_deployment_has_no_status_and_one_replica() -> None:
    live = make_deployment()
    del live["status"], live["spec"]["replicas"]
    view = view_deployment("web", live, [])
    assert (view.desired, view.ready, view.observed) == (1, 0, False)


@pytest.mark.parametrize(
    ("change", "another"),
    [
        ({}, False),
        ({"image": "app:2"}, True),
        ({"labels": {"version": "2"}}, True),
        ({"metadata": {"annotations": {"checksum": "x"}}}, True),
        ({"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "now"}}}, False),
        ({"metadata": {"annotations": {"resilience.aidrive.dev/restarted-for": "d"}}}, False),
        ({"metadata": {"annotations": {}}}, False),
        ({"metadata": {"creationTimestamp": None}}, False),
        ({"securityContext": None}, False),
        ({"volumes": [{"name": "v"}]}, True),
    ],
)
def test_what_makes_another_revision(change: Body, another: bool) -> None:
    before, after = revision_of(make_deployment()), revision_of(make_deployment(**change))
    assert (before != after) == another
    assert len(after) <= 63


def test_equal_content_in_both_arms() -> None:
    def spread(name: str) -> list[Body]:
        return [{"maxSkew": 1, "labelSelector": {"matchLabels": {"app": name}}}]

    stable = make_deployment("web", topologySpreadConstraints=spread("web"))
    canary = make_deployment("canary", topologySpreadConstraints=spread("canary"))
    assert content_of(stable) == content_of(canary)
    assert revision_of(stable) != revision_of(canary)
    assert content_of(stable) != content_of(make_deployment("web", image="app:2"))


def test_restarts_and_crashes_of_the_present_revision() -> None:
    pods = [
        make_pod("web-a", restarts=2, waiting="CrashLoopBackOff"),
        make_pod("web-b", restarts=1, waiting="ContainerCreating", created="2026-01-02T00:00:00Z"),
        make_pod("old", owner="web-old", restarts=9, waiting="ImagePullBackOff"),
        make_pod("gone", restarts=9, deletionTimestamp="2026-01-01T00:00:00Z"),
        {"metadata": {"name": "job"}, "status": {}},
    ]
    view = view_deployment("web", make_deployment(), pods)
    assert view.restarts == 3
    assert view.crashing == ("web-a: CrashLoopBackOff (container app)",)


def test_a_crashing_init_container() -> None:
    pod = make_pod("web-a")
    pod["status"]["initContainerStatuses"] = [
        {"name": "init", "restartCount": 4, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
    ]
    view = view_deployment("web", make_deployment(), [pod])
    assert view.restarts == 4
    assert view.crashing == ("web-a: CrashLoopBackOff (container init)",)


def test_many_crashing_pods_are_told_of_as_a_few() -> None:
    pods = [make_pod(f"web-{n:02}", waiting="ErrImagePull") for n in range(50)]
    assert len(view_deployment("web", make_deployment(), pods).crashing) == 8


def test_the_template_is_the_canarys_with_stables_labels() -> None:
    stable = make_deployment(
        "web",
        labels={"track": "stable", "team": "shop", "app.kubernetes.io/version": "1"},
        metadata={
            "annotations": {"old": "1", "resilience.aidrive.dev/restarted-for": "d"},
        },
    )
    stable["spec"]["template"]["metadata"]["labels"]["app"] = "web"
    canary = make_deployment(
        "canary",
        "app:2",
        labels={
            "track": "canary",
            "app.kubernetes.io/version": "2",
            "sidecar.istio.io/inject": "true",
            "selected": "canary",
        },
        topologySpreadConstraints=[{"labelSelector": {"matchLabels": {"app": "canary"}}}],
    )
    canary["spec"]["template"]["metadata"]["annotations"] = {
        "new": "2",
        "kubectl.kubernetes.io/restartedAt": "now",
    }
    before = copy.deepcopy((canary, stable))
    template = copy_template(canary, stable, ["selected"])
    assert (canary, stable) == before
    assert template["metadata"] == {
        "labels": {
            "app": "web",
            "track": "stable",
            "team": "shop",
            "app.kubernetes.io/version": "2",
            "sidecar.istio.io/inject": "true",
        },
        "annotations": {"new": "2", "resilience.aidrive.dev/restarted-for": "d"},
    }
    assert template["spec"]["containers"] == [{"name": "app", "image": "app:2"}]
    assert template["spec"]["topologySpreadConstraints"] == [
        {"labelSelector": {"matchLabels": {"app": "web"}}}
    ]
    promoted = {**stable, "spec": {**stable["spec"], "template": template}}
    assert content_of(promoted) == content_of(canary)
    assert copy_template(canary, promoted, ["selected"]) == template


def test_labels_of_the_selectors_never_change() -> None:
    stable = make_deployment("web", labels={"app.kubernetes.io/version": "1"})
    stable["spec"]["selector"]["matchExpressions"] = [
        {"key": "app.kubernetes.io/version", "operator": "Exists"}
    ]
    canary = make_deployment("canary", labels={"app.kubernetes.io/version": "2"})
    labels = copy_template(canary, stable)["metadata"]["labels"]
    assert labels == {"app": "web", "app.kubernetes.io/version": "1"}
