"""HTTPRoutes of the Gateway API's experimental channel, and VirtualServices, on the API server."""

import time
from typing import Any

import pytest
import yaml

from e2e.cluster.client import ApiError
from e2e.cluster.controlplane import ControlPlane
from e2e.gateway.resources import module_folder
from resilience_operator.core.resources import HTTP_ROUTES, SERVICES, VIRTUAL_SERVICES, Resource
from resilience_operator.kube.client import KubeClient

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
ANYTHING = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


@pytest.fixture(scope="session")
def gateway_api(control_plane: ControlPlane) -> None:
    """The HTTPRoute of the real Gateway API, names of rules included."""
    folder = module_folder("sigs.k8s.io/gateway-api") / "config" / "crd" / "experimental"
    text = (folder / "gateway.networking.k8s.io_httproutes.yaml").read_text()
    define(control_plane, yaml.safe_load(text), HTTP_ROUTES)


@pytest.fixture(scope="session")
def istio(control_plane: ControlPlane) -> None:
    """A VirtualService whose lists are atomic, as those of Istio's own are."""
    names = {"plural": VIRTUAL_SERVICES.plural, "kind": VIRTUAL_SERVICES.kind}
    schema = {"type": "object", "properties": {"spec": ANYTHING, "status": ANYTHING}}
    version = {
        "name": VIRTUAL_SERVICES.version,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}},
    }
    body = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{VIRTUAL_SERVICES.plural}.{VIRTUAL_SERVICES.group}"},
        "spec": {
            "group": VIRTUAL_SERVICES.group,
            "scope": "Namespaced",
            "names": names,
            "versions": [version],
        },
    }
    define(control_plane, body, VIRTUAL_SERVICES)


def define(control_plane: ControlPlane, body: dict[str, Any], resource: Resource) -> None:
    """Create a definition and wait until its objects are served."""
    control_plane.client.create(DEFINITIONS, body)
    deadline = time.monotonic() + 30
    while True:
        try:
            control_plane.client.request("GET", resource.path("default"))
        except ApiError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


@pytest.fixture
async def services(api: KubeClient, namespace: str) -> tuple[str, str]:
    """The two Services."""
    names = ("dashboard", "dashboard-canary")
    for name in names:
        spec = {"selector": {"app": name}, "ports": [{"port": 80}]}
        await api.create(SERVICES, namespace, {"metadata": {"name": name}, "spec": spec})
    return names
