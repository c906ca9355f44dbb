"""The actuators on the operator's own client, in a namespace of the test's own."""

from collections.abc import AsyncIterator

import pytest

from e2e.cluster.controlplane import ControlPlane
from resilience_operator.kube.client import KubeClient
from resilience_operator.kube.connection import connect
from resilience_operator.runtime.clock import SystemClock


@pytest.fixture
async def api(control_plane: ControlPlane) -> AsyncIterator[KubeClient]:
    """A client with an administrator's rights."""
    connection = await connect(SystemClock(), control_plane.kubeconfig)
    yield KubeClient(connection)
    await connection.close()
