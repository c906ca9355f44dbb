"""Flag ConfigMaps as data: the manifest we apply, and whether the live object already agrees.

Pure functions. Only what our field manager owns is compared, so that keys which others keep in the
same ConfigMap neither cause a write nor get lost in one.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from resilience_operator.actuators.base import Object
from resilience_operator.actuators.ownership import labels_of
from resilience_operator.api.v1alpha1.base import MANAGED_BY_LABEL
from resilience_operator.core.errors import Conflict
from resilience_operator.core.model import Problem
from resilience_operator.core.resources import CONFIG_MAPS

FIELD_MANAGER = "resilience-operator-flags"
TOOL_LABEL = "app.kubernetes.io/managed-by"
TOOL = "resilience-operator"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
SIZE_LIMIT = 1024 * 1024  # the API server's own: the bytes of all values together
_FIELDS_NAMED = 3


def render(name: str, owner: str, data: Mapping[str, str], live: Object | None) -> dict[str, Any]:
    """The manifest to apply. With `live` it is bound to that very object.

    The uid makes the server refuse the write when the object has been deleted or replaced since it
    was looked at. Where it changes hands, so does any other change of it: the policy of another
    shard may take it at the same moment. Somebody else's word on which tool manages the object,
    Helm's say, is left alone.
    """
    labels = {MANAGED_BY_LABEL: owner}
    if live is None or labels_of(live).get(TOOL_LABEL, TOOL) == TOOL:
        labels[TOOL_LABEL] = TOOL
    metadata: dict[str, Any] = {"name": name, "labels": labels}
    if live is not None:
        metadata["uid"] = live["metadata"]["uid"]
        if labels_of(live).get(MANAGED_BY_LABEL) != owner:
            metadata["resourceVersion"] = live["metadata"]["resourceVersion"]
    return {
        "apiVersion": CONFIG_MAPS.api_version,
        "kind": CONFIG_MAPS.kind,
        "metadata": metadata,
        "data": dict(data),
    }


def agrees(live: Object, body: Object) -> bool:
    """Whether applying `body` would change nothing, neither values nor ownership."""
    wanted, labels = body["data"], body["metadata"]["labels"]
    present, present_labels = live.get("data") or {}, labels_of(live)
    entry = our_entry(live)
    if entry is None:
        return False
    owned = entry.get("fieldsV1", {})
    owned_labels = owned.get("f:metadata", {}).get("f:labels", {})
    return (
        all(present.get(key) == value for key, value in wanted.items())
        and all(present_labels.get(key) == value for key, value in labels.items())
        and _names(owned.get("f:data", {})) == set(wanted)
        and _names(owned_labels) == set(labels)
    )


def our_entry(live: Object) -> dict[str, Any] | None:
    """What the API server recorded of our writes to an object."""
    for entry in live["metadata"].get("managedFields") or ():
        if entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply":
            return dict(entry)
    return None


def edited_by_hand(live: Object | None, managers: Sequence[str]) -> bool:
    """Whether all these managers changed our fields once, and will not set them again.

    Whoever would (a GitOps tool, kubectl apply) declares fields by server-side apply, or leaves
    kubectl's record of what was applied. `kubectl edit` and the like do neither.
    """
    if live is None or not managers:
        return False
    metadata = live["metadata"]
    if LAST_APPLIED in (metadata.get("annotations") or {}):
        return False
    entries = metadata.get("managedFields") or ()
    updated = {e.get("manager") for e in entries if e.get("operation") == "Update"}
    applied = {e.get("manager") for e in entries if e.get("operation") == "Apply"}
    return updated.issuperset(managers) and applied.isdisjoint(managers)


def size(data: Mapping[str, str], live: Object | None) -> int:
    """Bytes of all values after the write: ours, and those that others keep beside them."""
    total = sum(len(value.encode()) for value in data.values())
    if live is None:
        return total
    entry = our_entry(live) or {}
    ours = _names(entry.get("fieldsV1", {}).get("f:data", {})) | set(data)
    kept = {k: v for k, v in (live.get("data") or {}).items() if k not in ours}
    binary = live.get("binaryData") or {}
    return (
        total
        + sum(len(value.encode()) for value in kept.values())
        + sum(len(value) * 3 // 4 for value in binary.values())
    )


def too_large(name: str, size: int) -> Problem:
    """The problem of flags that no ConfigMap can hold."""
    return Problem(
        "FlagsTooLarge",
        f"The flags take ConfigMap {name} to {size} bytes; the limit is {SIZE_LIMIT}. "
        "Drop a format from flags.formats or use fewer features.",
    )


def conflict_problem(name: str, conflict: Conflict) -> Problem:
    """The problem of fields that another manager holds with other values."""
    fields = ", ".join(conflict.fields[:_FIELDS_NAMED])
    more = len(conflict.fields) - _FIELDS_NAMED
    tail = f" and {more} more" if more > 0 else ""
    return Problem(
        "ConfigMapConflict",
        f"ConfigMap {name} has fields that {' and '.join(conflict.managers)} set to something "
        f"else: {fields}{tail}. Take them out of what is applied there.",
    )


def _names(fields: Mapping[str, Any]) -> set[str]:
    return {name.removeprefix("f:") for name in fields if name != "."}
