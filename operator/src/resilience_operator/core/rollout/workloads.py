"""Deployments and their pods as a rollout sees them: which version, how ready, what crashes.

A revision names a pod template; another one is another rollout. Left out of it are what the
operator writes there itself and the time of `kubectl rollout restart`: the same version started
again is not a new one. The content leaves out labels and annotations too, and the label selectors
by which pods spread, since both arms must differ in them.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from resilience_operator.api.v1alpha1.base import GROUP
from resilience_operator.core.rollout.model import DeploymentView

Object = Mapping[str, Any]

RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
_DIGITS = 16
_PODS_TOLD = 8
_CRASHES = frozenset(
    {
        "CrashLoopBackOff",
        "ImagePullBackOff",
        "ErrImagePull",
        "ErrImageNeverPull",
        "InvalidImageName",
        "ImageInspectError",
        "RegistryUnavailable",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
        "PreStartHookError",
        "PostStartHookError",
    }
)


def view_deployment(name: str, live: Object | None, pods: Sequence[Object]) -> DeploymentView:
    """What is seen of a Deployment.

    `pods` are those that its selector finds. They count when they are of the present revision: of
    the ReplicaSet of the youngest pod, as ReplicaSets themselves are not read.
    """
    if live is None:
        return DeploymentView(name, missing=True)
    status = live.get("status") or {}
    replicas = live["spec"].get("replicas")
    present = _present_pods(pods)
    generation = live["metadata"].get("generation", 0)
    return DeploymentView(
        name=name,
        revision=revision_of(live),
        content=content_of(live),
        desired=1 if replicas is None else replicas,
        ready=status.get("readyReplicas") or 0,
        updated=status.get("updatedReplicas") or 0,
        available=status.get("availableReplicas") or 0,
        observed=status.get("observedGeneration", 0) >= generation,
        restarts=sum(s.get("restartCount", 0) for pod in present for s in _statuses(pod)),
        crashing=tuple(sorted(_crashes(present)))[:_PODS_TOLD],
        failed_to_progress=_failed_to_progress(status),
    )


def revision_of(live: Object) -> str:
    """The revision of a Deployment's pod template."""
    template = live["spec"]["template"]
    metadata = dict(template.get("metadata") or {})
    metadata.pop("creationTimestamp", None)
    theirs = {k: v for k, v in (metadata.pop("annotations", None) or {}).items() if not is_ours(k)}
    return _digest({**template, "metadata": {**metadata, "annotations": theirs}})


def content_of(live: Object) -> str:
    """The version that a Deployment's pods run: equal for both arms once they run the same."""
    return _digest(_without_selectors(live["spec"]["template"].get("spec") or {}))


def is_ours(annotation: str) -> bool:
    """Whether an annotation of the template says nothing about the version."""
    return annotation == RESTARTED_AT or annotation.startswith(f"{GROUP}/")


def _digest(value: object) -> str:
    canonical = json.dumps(_without_nulls(value), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:_DIGITS]


def _without_nulls(value: object) -> object:
    """Null and absent are the same to the API server, and it does not always show the same one."""
    if isinstance(value, Mapping):
        return {k: _without_nulls(v) for k, v in value.items() if v is not None}
    if isinstance(value, (list, tuple)):
        return [_without_nulls(item) for item in value]
    return value


def _without_selectors(value: object) -> object:
    if isinstance(value, Mapping):
        kept = {k: v for k, v in value.items() if k != "labelSelector"}
        return {k: _without_selectors(v) for k, v in kept.items()}
    if isinstance(value, (list, tuple)):
        return [_without_selectors(item) for item in value]
    return value


def _present_pods(pods: Sequence[Object]) -> list[Object]:
    """The pods of the present revision that are not on their way out."""
    alive = [p for p in pods if _owner(p) and not p["metadata"].get("deletionTimestamp")]
    if not alive:
        return []
    youngest = max(alive, key=lambda pod: pod["metadata"].get("creationTimestamp") or "")
    return [pod for pod in alive if _owner(pod) == _owner(youngest)]


def _owner(pod: Object) -> str | None:
    """The ReplicaSet that made a pod."""
    for owner in pod["metadata"].get("ownerReferences") or ():
        if owner.get("controller") and owner.get("kind") == "ReplicaSet":
            return str(owner["name"])
    return None


def _statuses(pod: Object) -> Iterator[Mapping[str, Any]]:
    status = pod.get("status") or {}
    yield from status.get("initContainerStatuses") or ()
    yield from status.get("containerStatuses") or ()


def _crashes(pods: Sequence[Object]) -> Iterator[str]:
    """Each pod that cannot run, and why; the reasons are a closed set, messages are not shown."""
    for pod in pods:
        for container in _statuses(pod):
            waiting = (container.get("state") or {}).get("waiting") or {}
            if waiting.get("reason") in _CRASHES:
                name = pod["metadata"]["name"]
                yield f"{name}: {waiting['reason']} (container {container.get('name', '?')})"


def _failed_to_progress(status: Mapping[str, Any]) -> bool:
    return any(
        condition.get("type") == "Progressing"
        and condition.get("status") == "False"
        and condition.get("reason") == "ProgressDeadlineExceeded"
        for condition in status.get("conditions") or ()
    )
