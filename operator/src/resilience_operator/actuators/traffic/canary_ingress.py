"""The canary Ingress as data: its manifest, and what a live one says. Pure."""

from collections.abc import Mapping
from typing import Any

from resilience_operator.actuators.base import Object
from resilience_operator.actuators.traffic.rules import Arms
from resilience_operator.api.v1alpha1.base import MANAGED_BY_LABEL
from resilience_operator.core.model import Problem
from resilience_operator.core.resources import INGRESSES

_PREFIX = "nginx.ingress.kubernetes.io/"
CANARY = f"{_PREFIX}canary"
WEIGHT = f"{_PREFIX}canary-weight"
TOTAL = f"{_PREFIX}canary-weight-total"
# The class as it was named before `ingressClassName`; the controller still goes by it.
_CLASS = "kubernetes.io/ingress.class"
_OUTRANKING = ("canary-by-header", "canary-by-cookie")
_TOOL_LABEL = "app.kubernetes.io/managed-by"
_TOOL = "resilience-operator"


def rules_of(stable: Object, arms: Arms) -> list[dict[str, Any]]:
    """The stable Ingress's paths to the stable Service, with the canary's in its place."""
    rules = []
    for rule in stable["spec"].get("rules") or ():
        paths = [
            {**path, "backend": {"service": {**path["backend"]["service"], "name": arms.canary}}}
            for path in (rule.get("http") or {}).get("paths") or ()
            if (path["backend"].get("service") or {}).get("name") == arms.stable
        ]
        if paths:
            rules.append({**rule, "http": {"paths": paths}})
    return rules


def render(
    name: str, owner: str, like: Object, rules: list[dict[str, Any]], weight: int
) -> dict[str, Any]:
    """The manifest to apply, of the class of the Ingress `like`.

    TLS and everything else the controller takes from the stable Ingress.
    """
    spec: dict[str, Any] = {"rules": rules}
    if like["spec"].get("ingressClassName") is not None:
        spec["ingressClassName"] = like["spec"]["ingressClassName"]
    annotations = {CANARY: "true", WEIGHT: str(weight), TOTAL: "100"}
    named = (like["metadata"].get("annotations") or {}).get(_CLASS)
    if named is not None:
        annotations[_CLASS] = named
    return {
        "apiVersion": INGRESSES.api_version,
        "kind": INGRESSES.kind,
        "metadata": {
            "name": name,
            "labels": {MANAGED_BY_LABEL: owner, _TOOL_LABEL: _TOOL},
            "annotations": annotations,
        },
        "spec": spec,
    }


def without_weight(live: Object) -> dict[str, Any]:
    """The manifest of a live canary Ingress, with all traffic home."""
    metadata = live["metadata"]
    owner = (metadata.get("labels") or {}).get(MANAGED_BY_LABEL, "")
    return render(metadata["name"], owner, live, list(live["spec"].get("rules") or ()), 0)


def agrees(live: Object, body: Object) -> bool:
    """Whether applying `body` would change nothing that matters."""
    metadata, wanted = live["metadata"], body["metadata"]
    named = body["spec"].get("ingressClassName")  # where there is none, there may be a default
    return (
        _within(wanted["labels"], metadata.get("labels"))
        and _within(wanted["annotations"], metadata.get("annotations"))
        and live["spec"].get("rules") == body["spec"]["rules"]
        and named in (None, live["spec"].get("ingressClassName"))
    )


def weight_of(live: Object) -> int | None:
    """The share in percent that ingress-nginx reads from it; None when it reads none."""
    annotations = live["metadata"].get("annotations") or {}
    if annotations.get(CANARY) != "true":
        return 0
    try:
        weight, total = int(annotations.get(WEIGHT, "0")), int(annotations.get(TOTAL, "100"))
        return round(100 * weight / total)
    except (ValueError, ZeroDivisionError):
        return None


def overruled(live: Object) -> Problem | None:
    """The problem of annotations that decide before the weight does."""
    name = live["metadata"]["name"]
    for key in sorted(live["metadata"].get("annotations") or ()):
        if key.startswith(tuple(_PREFIX + word for word in _OUTRANKING)):
            return Problem(
                "WeightOverruled",
                f"Ingress {name} has the annotation {key}, which outranks the weight: "
                "take it away.",
            )
    return None


def _within(wanted: Mapping[str, str], present: Mapping[str, str] | None) -> bool:
    return wanted.items() <= (present or {}).items()
