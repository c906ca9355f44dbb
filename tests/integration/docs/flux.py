"""Flux's health check expressions, evaluated by the CEL of the API server, in Flux's order.

A ValidatingAdmissionPolicy that refuses whatever is tried out (dry run) says by its first refusal
which expression was the first that is true: in progress, failed, current. An expression that cannot
be evaluated is a refusal as well; Flux waits in that case.
"""

import re
from typing import Any

import yaml

from e2e.docs.pages import read
from tests.integration.custom_resources import APPLY, MERGE, Api, RefusedError, objects
from tests.integration.operator.harness import wait_until

Body = dict[str, Any]

_NAME = "flux-health"
_ADMISSION = "/apis/admissionregistration.k8s.io/v1"
_ORDER = ("inProgress", "failed", "current")
_RULE = {
    "apiGroups": ["resilience.aidrive.dev"],
    "apiVersions": ["v1alpha1"],
    "operations": ["UPDATE"],
    "resources": ["resiliencepolicies"],
}


def expressions() -> dict[str, str]:
    """The expressions in the page."""
    blocks = [yaml.safe_load(block.text) for block in read("docs/gitops.md").of("yaml")]
    (kustomization,) = (one for one in blocks if one.get("kind") == "Kustomization")
    (found,) = kustomization["spec"]["healthCheckExprs"]
    assert (found.pop("apiVersion"), found.pop("kind")) == (
        "resilience.aidrive.dev/v1alpha1",
        "ResiliencePolicy",
    )
    return dict(found)


def install(api: Api, namespace: str) -> None:
    """Have the API server evaluate them for dry runs on policies of one namespace."""
    found = expressions()
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [_RULE]},
        "matchConditions": [{"name": "tried", "expression": "request.dryRun"}],
        "validations": [
            {"expression": f"!({_of_object(found[name])})", "message": f"<{name}>"}
            for name in _ORDER
        ],
    }
    binding = {
        "policyName": _NAME,
        "validationActions": ["Deny"],
        "matchResources": {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
        },
    }
    for plural, kind, body in (
        ("validatingadmissionpolicies", "ValidatingAdmissionPolicy", spec),
        ("validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding", binding),
    ):
        manifest = {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": kind,
            "metadata": {"name": _NAME},
            "spec": body,
        }
        path = f"{_ADMISSION}/{plural}/{_NAME}"
        api.send("PATCH", path, manifest, content_type=APPLY, fieldManager="tests", force="true")


def health(api: Api, namespace: str, name: str) -> str:
    """What Flux would make of the policy as it is now: one of the three, or `waits`."""
    said = wait_until(lambda: _said(api, namespace, name), "the expressions are evaluated")
    found = re.search(r"<(\w+)>", said)
    return found[1] if found else "waits"


def _said(api: Api, namespace: str, name: str) -> str | None:
    """The refusal; nothing while the API server does not know of the expressions yet."""
    change = {"metadata": {"annotations": {"tried": "out"}}}
    path = objects(namespace, "resiliencepolicies", name)
    try:
        api.send("PATCH", path, change, content_type=MERGE, dryRun="All")
    except RefusedError as refused:
        if _NAME not in refused.message:
            raise
        return refused.message
    return None


def _of_object(expression: str) -> str:
    """Flux hands an expression the fields of the object, the API server the object itself."""
    return re.sub(r"(?<![\w.])(status|metadata|spec)\.", r"object.\1.", expression)
