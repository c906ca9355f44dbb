"""The gateway of a kind cluster: Contour's own quickstart, with its public images.

Needs a registry that the node can pull from. Machines without one cannot exercise this module;
its manifests are those of the same Contour module that the cluster from source builds.
"""

import json

from e2e.cluster.forwarding import Forward
from e2e.cluster.paths import cluster_folder
from e2e.cluster.provider import Provider
from e2e.demo.kubectl import Kubectl
from e2e.gateway import resources

_USUAL_PORT = 8080
_NAMESPACE = "projectcontour"
_PROGRAM = "gateway-forward"


class QuickstartGateway:
    """Contour and Envoy in the cluster, reached through a forwarded port."""

    def __init__(self, name: str, cluster: Provider, kubectl: Kubectl) -> None:
        self._kubectl = kubectl
        self._forward = Forward(cluster, _PROGRAM, _NAMESPACE, "envoy")
        self._folder = cluster_folder(name)

    def url(self) -> str | None:
        """Where it answers, if it is up."""
        return self._forward.url()

    def up(self) -> str:
        """Bring it up; at once, when it is up already."""
        url = self.url()
        if url is not None:
            return url
        self._apply("-f", str(resources.contour_examples() / "render" / "contour.yaml"))
        resources.define(self._kubectl)
        manifest = self._folder / "gateway.json"
        items = [*resources.gateway(80), _configuration()]
        manifest.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
        self._apply("-f", str(manifest))
        # It reads its configuration at its start only.
        self._kubectl.run("-n", _NAMESPACE, "rollout", "restart", "deployment/contour")
        for what in ("deployment/contour", "daemonset/envoy"):
            self._kubectl.run(
                "-n", _NAMESPACE, "rollout", "status", what, "--timeout=300s", timeout=320
            )
        return self._forward.start(_USUAL_PORT, 80)

    def down(self) -> None:
        """End the forwarding, and delete all that `up` applied."""
        self._forward.stop()
        resources.undefine(self._kubectl)
        quickstart = str(resources.contour_examples() / "render" / "contour.yaml")
        self._kubectl.run("delete", "--ignore-not-found", "-f", quickstart, timeout=300)
        (self._folder / "gateway.json").unlink(missing_ok=True)

    def status(self) -> list[str]:
        """What runs, as the cluster sees it."""
        return self._kubectl.run("get", "pods", "-n", _NAMESPACE).splitlines()

    def _apply(self, *arguments: str) -> None:
        self._kubectl.run("apply", "--server-side", "--force-conflicts", *arguments)


def _configuration() -> dict[str, object]:
    """Contour's configuration: which Gateway is its own."""
    reference = {"name": resources.NAME, "namespace": resources.NAMESPACE}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "contour", "namespace": _NAMESPACE},
        "data": {"contour.yaml": json.dumps({"gateway": {"gatewayRef": reference}})},
    }
