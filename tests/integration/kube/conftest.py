"""A client of the tests' API server, as the operator makes it."""

from collections.abc import AsyncIterator, Callable

import pytest

from e2e.cluster.controlplane import ControlPlane
from resilience_operator.kube.client import KubeClient, Object
from resilience_operator.kube.connection import Connection, connect
from resilience_operator.runtime.clock import SystemClock


@pytest.fixture
async def connection(control_plane: ControlPlane) -> AsyncIterator[Connection]:
    connection = await connect(SystemClock(), control_plane.kubeconfig)
    yield connection
    await connection.close()


@pytest.fixture
def client(connection: Connection) -> KubeClient:
    return KubeClient(connection)


@pytest.fixture
def make_config_map(namespace: str) -> Callable[..., Object]:
    """Builds (and does not write) a ConfigMap of the test's namespace."""

    def make(name: str, labels: dict[str, str] | None = None, **data: str) -> Object:
        metadata = {"name": name, "namespace": namespace, "labels": labels or {}}
        return {"metadata": metadata, "data": data}

    return make
