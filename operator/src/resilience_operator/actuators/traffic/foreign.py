"""Objects that another progressive delivery tool manages: hands off, and say so.

Two controllers that set the same weights undo each other for ever. Argo CD and Flux deploy and do
not set weights; neither is meant here.
"""

from collections.abc import Iterator

from resilience_operator.actuators.base import Object
from resilience_operator.core.model import Problem

_OWNERS = {("flagger.app", "Canary"): "Flagger", ("argoproj.io", "Rollout"): "Argo Rollouts"}
_PREFIXES = {
    "flagger.app/": "Flagger",
    "rollouts.argoproj.io/": "Argo Rollouts",
    "rollout.argoproj.io/": "Argo Rollouts",
}
_MANAGED_BY = "app.kubernetes.io/managed-by"
_MANAGERS = {
    "flagger": "Flagger",
    "rollouts-controller": "Argo Rollouts",
    "argo-rollouts": "Argo Rollouts",
    "gatewayAPI-plugin": "Argo Rollouts",
}


def managed_by_other(kind: str, live: Object) -> Problem | None:
    """Why an object must be left alone, if another tool sets its weights or replicas."""
    tool = next(_tools(live), None)
    if tool is None:
        return None
    name = live["metadata"]["name"]
    return Problem(
        "ManagedByOther",
        f"{kind} {name} is managed by {tool}, so its traffic is left alone. Take it out of "
        f"{tool}, or name an object of your own in spec.rollout.",
    )


def _tools(live: Object) -> Iterator[str]:
    """Names of the tools that the object bears a sign of."""
    metadata = live["metadata"]
    for owner in metadata.get("ownerReferences") or ():
        group = owner.get("apiVersion", "").partition("/")[0]
        if tool := _OWNERS.get((group, owner.get("kind", ""))):
            yield tool
    labels = metadata.get("labels") or {}
    for key in (*labels, *(metadata.get("annotations") or ())):
        yield from (tool for prefix, tool in _PREFIXES.items() if key.startswith(prefix))
    if tool := _MANAGERS.get(labels.get(_MANAGED_BY, "")):
        yield tool
    for entry in metadata.get("managedFields") or ():
        # Who only ever wrote status or labels, or has lost the spec to others, is no manager of it.
        tool = _MANAGERS.get(entry.get("manager", ""))
        if tool and "f:spec" in (entry.get("fieldsV1") or {}):
            yield tool
