"""The pod template that stable gets from the canary. Pure.

Everything is the canary's but what tells the two apart: stable's pods keep stable's labels, so
that every selector that finds them today (its Deployment's, those of Services, budgets and network
policies) still does, and take over no label by which the canary's pods are selected.
"""

import copy
from collections.abc import Collection, Mapping
from typing import Any

from resilience_operator.core.rollout.workloads import is_ours

Object = Mapping[str, Any]

# Labels that name the version rather than select by it.
_VERSION_LABELS = ("app.kubernetes.io/version", "helm.sh/chart")


def copy_template(canary: Object, stable: Object, selected: Collection[str] = ()) -> dict[str, Any]:
    """The new template of the Deployment `stable`.

    `selected` are the keys of labels by which Services select the canary's pods.
    """
    template: dict[str, Any] = copy.deepcopy(dict(canary["spec"]["template"]))
    theirs, ours = _metadata(canary), _metadata(stable)
    labels = _labels(canary, stable, theirs, ours, selected)
    metadata: dict[str, Any] = {**template.get("metadata", {}), "labels": labels}
    metadata.pop("creationTimestamp", None)
    annotations = _annotations(theirs, ours)
    metadata.pop("annotations", None)
    if annotations:
        metadata["annotations"] = annotations
    template["metadata"] = metadata
    template["spec"] = _relabelled(template.get("spec") or {}, theirs.get("labels") or {}, labels)
    return template


def selector_keys(selector: Mapping[str, Any]) -> set[str]:
    """The label keys of a Deployment's selector."""
    keys = set(selector.get("matchLabels") or {})
    return keys | {rule["key"] for rule in selector.get("matchExpressions") or ()}


def _labels(
    canary: Object, stable: Object, theirs: Object, ours: Object, selected: Collection[str]
) -> dict[str, str]:
    canarys, stables = theirs.get("labels") or {}, ours.get("labels") or {}
    telling = selector_keys(canary["spec"]["selector"]) | set(selected)
    added = {k: v for k, v in canarys.items() if k not in telling}
    labels = {**added, **stables}
    kept = selector_keys(stable["spec"]["selector"]) | telling
    for key in _VERSION_LABELS:
        if key in canarys and key not in kept:
            labels[key] = canarys[key]
    return labels


def _annotations(theirs: Object, ours: Object) -> dict[str, str]:
    """The canary's, and of those that are not the version's, stable's own."""
    canarys, stables = theirs.get("annotations") or {}, ours.get("annotations") or {}
    version = {k: v for k, v in canarys.items() if not is_ours(k)}
    return {**version, **{k: v for k, v in stables.items() if is_ours(k)}}


def _metadata(deployment: Object) -> Object:
    return deployment["spec"]["template"].get("metadata") or {}


def _relabelled(value: Any, canarys: Mapping[str, str], labels: Mapping[str, str]) -> Any:
    """Selectors in the pod spec that name the canary's own pods name stable's instead."""
    if isinstance(value, list):
        return [_relabelled(item, canarys, labels) for item in value]
    if not isinstance(value, dict):
        return value
    changed = {key: _relabelled(item, canarys, labels) for key, item in value.items()}
    selector = changed.get("labelSelector")
    if isinstance(selector, dict) and isinstance(selector.get("matchLabels"), dict):
        match = {
            key: labels[key] if canarys.get(key) == wanted and key in labels else wanted
            for key, wanted in selector["matchLabels"].items()
        }
        changed["labelSelector"] = {**selector, "matchLabels": match}
    return changed
