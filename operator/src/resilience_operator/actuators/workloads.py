"""Reads Deployments and pods as data: who is selected, who reads the flags, who has to be told.

Pure functions; the requests are in `pod_refresh`.
"""

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from resilience_operator.actuators.base import Object
from resilience_operator.api.v1alpha1.base import GROUP
from resilience_operator.core.model import Problem

DIGEST_ANNOTATION = f"{GROUP}/flags-digest"
RESTART_ANNOTATION = f"{GROUP}/restarted-for"
_FINISHED = ("Succeeded", "Failed")


class Reading(Enum):
    """How a pod template reads a ConfigMap."""

    NONE = "does not mention it"
    AT_START = "environment or subPath only: read when a container starts"
    LIVE = "a volume that the kubelet keeps up to date"


def selector_string(selector: Mapping[str, Any]) -> str:
    """A LabelSelector in the form that a list request takes."""
    parts = [f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items()]
    for rule in selector.get("matchExpressions") or ():
        key, values = rule["key"], ",".join(rule.get("values") or ())
        match rule["operator"]:
            case "In":
                parts.append(f"{key} in ({values})")
            case "NotIn":
                parts.append(f"{key} notin ({values})")
            case "Exists":
                parts.append(key)
            case "DoesNotExist":
                parts.append(f"!{key}")
    return ",".join(parts)


def runs_for_deployment(pod: Object) -> bool:
    """Whether a pod is a live replica: made by a ReplicaSet, still there to be told."""
    metadata = pod["metadata"]
    made = any(
        owner.get("controller") and owner.get("kind") == "ReplicaSet"
        for owner in metadata.get("ownerReferences") or ()
    )
    finished = (pod.get("status") or {}).get("phase") in _FINISHED
    return made and not finished and not metadata.get("deletionTimestamp")


def knows(pod: Object, digest: str, written_at: str | None) -> bool:
    """Whether a pod has been told of these flags, or was created after they were written.

    Both times are the API server's, to the second, so an equal second counts as before.
    """
    metadata = pod["metadata"]
    if annotation_of(pod, DIGEST_ANNOTATION) == digest:
        return True
    return written_at is not None and metadata.get("creationTimestamp", "") > written_at


def annotation_of(obj: Object, key: str) -> str | None:
    """An annotation's value."""
    value = (obj["metadata"].get("annotations") or {}).get(key)
    return None if value is None else str(value)


def reading(deployment: Object, config_map: str) -> Reading:
    """How a Deployment's pods read a ConfigMap."""
    pod = deployment["spec"]["template"].get("spec") or {}
    containers = [*(pod.get("initContainers") or ()), *(pod.get("containers") or ())]
    volumes = {v["name"] for v in pod.get("volumes") or () if config_map in _sources(v)}
    mounts = [m for c in containers for m in c.get("volumeMounts") or () if m["name"] in volumes]
    if any(not (m.get("subPath") or m.get("subPathExpr")) for m in mounts):
        return Reading.LIVE
    in_environment = any(config_map in _environment(c) for c in containers)
    return Reading.AT_START if mounts or in_environment else Reading.NONE


def reading_note(deployment: Object, config_map: str) -> Problem | None:
    """A hint when refreshing the pods of a Deployment will not show them new flags."""
    name = deployment["metadata"]["name"]
    match reading(deployment, config_map):
        case Reading.NONE:
            return Problem(
                "TargetDoesNotReadFlags",
                f"The pod template of Deployment {name} does not mention ConfigMap {config_map}: "
                "mount it as a volume.",
            )
        case Reading.AT_START:
            return Problem(
                "TargetReadsFlagsAtStart",
                f"Deployment {name} reads ConfigMap {config_map} through its environment or a "
                "subPath only, which running pods never see change: mount it as a volume, or set "
                "flags.propagation to Restart.",
            )
        case Reading.LIVE:
            return None


def _sources(volume: Mapping[str, Any]) -> set[str]:
    projected = (volume.get("projected") or {}).get("sources") or ()
    maps = [volume.get("configMap"), *(source.get("configMap") for source in projected)]
    return {source["name"] for source in maps if source and source.get("name")}


def _environment(container: Mapping[str, Any]) -> Iterator[str]:
    for source in container.get("envFrom") or ():
        yield (source.get("configMapRef") or {}).get("name", "")
    for variable in container.get("env") or ():
        reference = (variable.get("valueFrom") or {}).get("configMapKeyRef") or {}
        yield reference.get("name", "")
