"""HTTPRoutes of the Gateway API's experimental channel, and VirtualServices, on the API server."""

import pytest

from e2e.cluster.controlplane import ControlPlane
from resilience_operator.core.resources import SERVICES
from resilience_operator.kube.client import KubeClient
from tests.integration.custom_resources import Api
from tests.integration.routes import install_routes, install_virtual_services


@pytest.fixture(scope="session")
def gateway_api(control_plane: ControlPlane) -> None:
    """The HTTPRoute of the real Gateway API."""
    install_routes(Api(control_plane.kubeconfig))


@pytest.fixture(scope="session")
def istio(control_plane: ControlPlane) -> None:
    """VirtualServices."""
    install_virtual_services(Api(control_plane.kubeconfig))


@pytest.fixture
async def services(api: KubeClient, namespace: str) -> tuple[str, str]:
    """The two Services."""
    names = ("dashboard", "dashboard-canary")
    for name in names:
        spec = {"selector": {"app": name}, "ports": [{"port": 80}]}
        await api.create(SERVICES, namespace, {"metadata": {"name": name}, "spec": spec})
    return names
