"""Which objects are taken along, what is left out of each, and in which order they come back.

Pure. An object is exported as somebody would write it: what the API server and controllers fill in
is left out, the status above all. It would be the truth of a cluster that is no more.
"""

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Body = dict[str, Any]

GROUP = "resilience.aidrive.dev"
POLICY, LEVEL = "ResiliencePolicy", "DegradationLevel"
NAMESPACES, OTHERS, LEVELS, POLICIES = "namespaces", "objects", "levels", "policies"
PARTS = (NAMESPACES, OTHERS, LEVELS, POLICIES)
"""The files of an export, in the order in which they come back."""

NOT_EXPORTED = frozenset(
    {
        # Made anew by controllers from what is exported, or of the moment only.
        "bindings",
        "controllerrevisions.apps",
        "endpoints",
        "endpointslices.discovery.k8s.io",
        "events",
        "events.events.k8s.io",
        "leases.coordination.k8s.io",
        "pods",
        "podtemplates",
        "replicasets.apps",
        # Credentials belong where credentials are kept; whoever restores brings them.
        "secrets",
        # The data on a volume is not ours to bring back, and a claim without it would be empty.
        "persistentvolumeclaims",
    }
)
_MADE_BY_THE_CLUSTER = {("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default")}
_FILLED_IN = (
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "managedFields",
    "selfLink",
    "ownerReferences",
    "finalizers",
)
_ANNOTATIONS = (
    "kubectl.kubernetes.io/last-applied-configuration",
    "deployment.kubernetes.io/revision",
    # What somebody asked of a rollout that is no more.
    f"{GROUP}/rollout",
)
_FIRST = ("ServiceAccount", "Role", "RoleBinding", "ConfigMap", "Service")
"""Kinds that others begin with: pods read their flags as they start."""


def wanted(body: Body) -> bool:
    """Whether an object is somebody's own, and not made anew by its owner or by the cluster."""
    metadata = body["metadata"]
    if (body["kind"], metadata["name"]) in _MADE_BY_THE_CLUSTER or "deletionTimestamp" in metadata:
        return False
    owned = any(each.get("controller") for each in metadata.get("ownerReferences") or ())
    # A level that the operator made may have a person's override in it.
    return not owned or body["kind"] == LEVEL


def part_of(body: Body) -> str:
    """The file that an object belongs into."""
    kinds = {"Namespace": NAMESPACES, LEVEL: LEVELS, POLICY: POLICIES}
    return kinds.get(body["kind"], OTHERS)


def cleaned(body: Body) -> Body:
    """The object as somebody would write it."""
    made = copy.deepcopy({key: value for key, value in body.items() if key != "status"})
    metadata = made["metadata"]
    for key in _FILLED_IN:
        metadata.pop(key, None)
    annotations = metadata.get("annotations") or {}
    kept = {key: value for key, value in annotations.items() if key not in _ANNOTATIONS}
    metadata.pop("annotations", None)
    if kept:
        metadata["annotations"] = kept
    if body["kind"] == "Service":
        _free_addresses(made["spec"])
    if body["kind"] == "Namespace":
        made.pop("spec", None)
    return made


def ordered(bodies: Iterable[Body]) -> list[Body]:
    """What others begin with first; else by kind and name, so that exports can be compared."""

    def key(body: Body) -> tuple[int, str, str, str]:
        kind, metadata = body["kind"], body["metadata"]
        place = _FIRST.index(kind) if kind in _FIRST else len(_FIRST)
        return place, kind, metadata.get("namespace", ""), metadata["name"]

    return sorted(bodies, key=key)


def owner_of(level: Body) -> str | None:
    """The policy that owns a level as it is in the cluster: then the operator has made it."""
    for owner in level["metadata"].get("ownerReferences") or ():
        if owner.get("controller") and owner.get("kind") == POLICY:
            return str(owner["name"])
    return None


def before_the_rollout(bodies: Iterable[Body], rollouts: Iterable[tuple[str, Body]]) -> None:
    """Put replicas back to where they were before a rollout that was under way.

    Routes keep a note of their own weights, by which the operator does so itself. `rollouts` are
    namespaces with the statuses of rollouts as they were; the bodies are changed in place.
    """
    before: dict[tuple[str, str], int] = {}
    for namespace, status in rollouts:
        traffic = status.get("traffic") or {}
        if traffic.get("kind") != "replicas":
            continue
        for original in status.get("originals") or ():
            arm = traffic[original["path"].rpartition("/")[2]]
            before[namespace, arm["deployment"]] = original["weight"]
    for body in bodies:
        metadata = body["metadata"]
        place = (metadata.get("namespace", ""), metadata["name"])
        if body["kind"] == "Deployment" and place in before:
            body["spec"]["replicas"] = before[place]


def secrets_of(value: object) -> Iterator[str]:
    """Names of the Secrets that an object refers to."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key.endswith(("SecretRef", "secretRef", "secretKeyRef")):
                yield from (inner["name"] for inner in (inner,) if "name" in inner)
            elif key == "secretName" and isinstance(inner, str):
                yield inner
            elif key == "imagePullSecrets":
                yield from (each["name"] for each in inner)
            else:
                yield from secrets_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from secrets_of(inner)


def _free_addresses(spec: Body) -> None:
    """Take out what the old cluster had assigned; a headless Service stays one."""
    if spec.get("clusterIP") != "None":
        spec.pop("clusterIP", None)
        spec.pop("clusterIPs", None)
    spec.pop("healthCheckNodePort", None)
    for port in spec.get("ports") or ():
        port.pop("nodePort", None)
