"""The API server with the CRDs, HTTPRoutes and VirtualServices, and the stories running on it."""

from collections.abc import Iterator

import pytest

from e2e.cluster.controlplane import ControlPlane
from tests.integration.custom_resources import Api, install
from tests.integration.rollouts.shop import opened
from tests.integration.routes import install_routes, install_virtual_services
from tests.integration.stories import Stories, selected

_AT_ONCE = 6


@pytest.fixture(scope="session", autouse=True)
def stories(
    control_plane: ControlPlane,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stories]:
    """The stories that were selected, in the order of the tests."""
    api = Api(control_plane.kubeconfig)
    install(api)
    install_routes(api)
    install_virtual_services(api)
    told, folder = selected(request.session, "shop"), tmp_path_factory.mktemp("stories")
    begun = Stories(control_plane, told, opened, _AT_ONCE, folder)
    yield begun
    begun.close()
    api.close()
