"""The API server with our kinds and HTTPRoutes, for what the pages have."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.cluster import build
from e2e.cluster.controlplane import ControlPlane
from tests.integration.chart.helm import Kubectl
from tests.integration.custom_resources import Api, install
from tests.integration.routes import install_routes


@pytest.fixture(scope="package")
def api(control_plane: ControlPlane) -> Iterator[Api]:
    """Requests of an administrator; the kinds are served."""
    made = Api(control_plane.kubeconfig)
    install(made)
    install_routes(made)
    yield made
    made.close()


@pytest.fixture(scope="package")
def kubectl(control_plane: ControlPlane, api: Api) -> Kubectl:
    """kubectl of an administrator."""
    return Kubectl(build.find(["kubernetes"])["kubectl"], control_plane.kubeconfig)


@pytest.fixture(scope="package")
def path() -> str:
    """A PATH on which kubectl and helm are those of this repository."""
    found = build.find(["kubernetes", "helm"])
    return os.pathsep.join(
        [*(str(Path(found[name]).parent) for name in ("kubectl", "helm")), os.environ["PATH"]]
    )
