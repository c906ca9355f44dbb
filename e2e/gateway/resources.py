"""What the gateway is in the cluster: the definitions, its class, and the Gateway `edge`."""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from e2e.cluster import golang
from e2e.cluster.errors import ClusterError
from e2e.cluster.tools import lookup
from e2e.demo.kubectl import Kubectl

NAME = "edge"
NAMESPACE = "default"
_CONTROLLER = "projectcontour.io/gateway-controller"
_GATEWAY_API = "sigs.k8s.io/gateway-api"
_CONTOUR = "github.com/projectcontour/contour"
# What Contour adds to a listener's port.
_PORT_OFFSET = 8000
_HIGHEST_PORT = 65535


def module_folder(module: str) -> Path:
    """A module's own files, in the version that Contour's go.mod requires."""
    answer = subprocess.run(
        [golang.find().command, "mod", "download", "-json", module],
        cwd=lookup("contour").folder,
        env={**os.environ, "GOTOOLCHAIN": "local", "GOWORK": "off"},
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode != 0:
        raise ClusterError(f"cannot fetch {module}: {(answer.stderr or answer.stdout).strip()}")
    return Path(json.loads(answer.stdout)["Dir"])


def contour_examples() -> Path:
    """The manifests that come with Contour."""
    return module_folder(_CONTOUR) / "examples"


def definitions() -> list[Path]:
    """The files of all custom resource definitions that Contour watches.

    Of the Gateway API it is the experimental channel: Contour wants kinds and versions that the
    standard channel does not have.
    """
    gateway_api = module_folder(_GATEWAY_API) / "config" / "crd" / "experimental"
    kinds = sorted(gateway_api.glob("gateway.networking.k8s.io_*.yaml"))
    return [*kinds, contour_examples() / "contour" / "01-crds.yaml"]


def route_definition() -> dict[str, Any]:
    """The definition of HTTPRoute, for an API server without a gateway."""
    (path,) = [each for each in definitions() if each.stem.endswith("_httproutes")]
    definition: dict[str, Any] = yaml.safe_load(path.read_text())
    return definition


def listener_port(port: int) -> int:
    """The port that a Gateway has to name for Contour to let Envoy listen on `port`."""
    if not _PORT_OFFSET < port <= _HIGHEST_PORT:
        raise ClusterError(f"Contour maps no listener to port {port}")
    return port - _PORT_OFFSET


def gateway(port: int) -> list[dict[str, Any]]:
    """The class and the Gateway, whose plain listener takes routes of every namespace."""
    api = "gateway.networking.k8s.io/v1"
    listener = {
        "name": "http",
        "protocol": "HTTP",
        "port": port,
        "allowedRoutes": {"namespaces": {"from": "All"}},
    }
    return [
        {
            "apiVersion": api,
            "kind": "GatewayClass",
            "metadata": {"name": NAME},
            "spec": {"controllerName": _CONTROLLER},
        },
        {
            "apiVersion": api,
            "kind": "Gateway",
            "metadata": {"name": NAME, "namespace": NAMESPACE},
            "spec": {"gatewayClassName": NAME, "listeners": [listener]},
        },
    ]


def define(kubectl: Kubectl) -> None:
    """Apply the definitions and wait until the API server serves them."""
    files = _options(definitions())
    kubectl.run("apply", "--server-side", "--force-conflicts", *files)
    kubectl.run("wait", "--for=condition=Established", "--timeout=60s", *files)


def undefine(kubectl: Kubectl) -> None:
    """Delete the definitions, and with them every Gateway and route."""
    kubectl.run("delete", "--ignore-not-found", "--timeout=60s", *_options(definitions()))


def _options(files: Sequence[Path]) -> list[str]:
    return [f"--filename={path}" for path in files]
