"""Routers' definitions on an API server without a router."""

from typing import Any

from e2e.gateway.resources import route_definition
from resilience_operator.core.resources import VIRTUAL_SERVICES
from tests.integration.custom_resources import APPLY, Api
from tests.integration.operator.harness import wait_until

Body = dict[str, Any]

_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_ANYTHING = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def install_routes(api: Api) -> None:
    """HTTPRoute as the Gateway API ships it, names of rules included."""
    _install(api, route_definition())


def install_virtual_services(api: Api) -> None:
    """A VirtualService whose lists are atomic, as those of Istio's own are."""
    kind = VIRTUAL_SERVICES
    schema = {"type": "object", "properties": {"spec": _ANYTHING, "status": _ANYTHING}}
    version = {
        "name": kind.version,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}},
    }
    body = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{kind.group}"},
        "spec": {
            "group": kind.group,
            "scope": "Namespaced",
            "names": {"plural": kind.plural, "kind": kind.kind},
            "versions": [version],
        },
    }
    _install(api, body)


def _install(api: Api, body: Body) -> None:
    path = f"{_DEFINITIONS}/{body['metadata']['name']}"
    api.send("PATCH", path, body, content_type=APPLY, fieldManager="tests", force="true")

    def served() -> bool:
        conditions = api.get(path).get("status", {}).get("conditions") or []
        return any(c["type"] == "Established" and c["status"] == "True" for c in conditions)

    wait_until(served, f"{body['spec']['names']['plural']} are served")
