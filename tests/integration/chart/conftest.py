"""helm as it is built here, and an API server of the chart's own: its CRDs come and go."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.cluster import build
from e2e.cluster.controlplane import Audit, ControlPlane
from e2e.cluster.errors import ClusterError
from tests.integration.chart.helm import Helm, Kubectl
from tests.integration.custom_resources import Api


@pytest.fixture(scope="session")
def helm_command() -> str:
    """The path of helm."""
    try:
        return build.find(["helm"])["helm"]
    except ClusterError:
        pytest.fail("helm is not built; run: python -m e2e.cluster build helm", pytrace=False)


@pytest.fixture(scope="session")
def helm(helm_command: str, tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """helm without a cluster."""
    return Helm(helm_command, tmp_path_factory.mktemp("helm"))


@pytest.fixture(scope="package")
def cluster() -> Iterator[ControlPlane]:
    """etcd and an API server for the releases of these tests."""
    with ControlPlane(audit=Audit.ALL) as running:
        yield running


@pytest.fixture(scope="package")
def api(cluster: ControlPlane) -> Iterator[Api]:
    """Requests of an administrator."""
    made = Api(cluster.kubeconfig)
    yield made
    made.close()


@pytest.fixture(scope="package")
def kubectl(cluster: ControlPlane) -> Kubectl:
    """kubectl of an administrator."""
    return Kubectl(build.find(["kubernetes"])["kubectl"], cluster.kubeconfig)


@pytest.fixture
def installer(helm_command: str, cluster: ControlPlane, tmp_path: Path) -> Helm:
    """helm with the cluster."""
    return Helm(helm_command, tmp_path, cluster.kubeconfig)


@pytest.fixture
def empty_cluster() -> Iterator[ControlPlane]:
    """An API server without anything of ours, for one test."""
    with ControlPlane() as running:
        yield running
