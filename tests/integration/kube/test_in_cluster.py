from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from e2e.cluster.controlplane import ControlPlane
from resilience_operator.core.resources import Resource
from resilience_operator.kube.client import KubeClient
from resilience_operator.kube.connection import Connection, in_cluster
from resilience_operator.kube.errors import Unauthorized
from resilience_operator.runtime.clock import SystemClock

REVIEWS = Resource(
    "authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview", namespaced=False
)


def token_of(control_plane: ControlPlane, namespace: str, name: str) -> str:
    kubeconfig = control_plane.kubeconfig_for_service_account(namespace, name)
    return str(yaml.safe_load(kubeconfig.read_text())["users"][0]["user"]["token"])


async def test_a_pod_is_who_its_token_says_and_takes_up_a_new_one_when_refused(
    control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    server = urlsplit(control_plane.url)
    token = tmp_path / "token"
    token.write_text(token_of(control_plane, namespace, "operator"))
    connection = Connection(
        *in_cluster(
            SystemClock(),
            token,
            Path(control_plane.authority.root.certificate),
            {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(server.port)},
        )
    )
    client = KubeClient(connection)

    async def who() -> str:
        review = await client.create(REVIEWS, None, {})
        return str(review["status"]["userInfo"]["username"])

    assert await who() == f"system:serviceaccount:{namespace}:operator"
    token.write_text("revoked")
    connection._token.expire()  # type: ignore[union-attr]
    with pytest.raises(Unauthorized):
        await who()
    token.write_text(token_of(control_plane, namespace, "successor"))
    assert await who() == f"system:serviceaccount:{namespace}:successor"
    await connection.close()
