"""The `kind` provider: the same one-node cluster as a container, where Docker can run it.

It is the default on a developer's machine and in ordinary CI. The `source` provider exists for
machines where this one cannot work: no engine, no privileged containers, or no registry. kind is
always the one that is built here: a release supports the node images that it names, and no others.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from e2e.cluster import build
from e2e.cluster.errors import ClusterError
from e2e.cluster.paths import cluster_folder
from e2e.cluster.processes import ProcessTable
from e2e.cluster.provider import remember

# What kind 0.33.0 was released with, by Kubernetes' minor version; the first is the default.
NODE_IMAGES = {
    "1.37": "kindest/node:v1.37.0"
    "@sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5",
    "1.36": "kindest/node:v1.36.4"
    "@sha256:099e049362a1526b2db71494e1947aae99bd16290d7c895f2b7ea312e3cbfaed",
    "1.35": "kindest/node:v1.35.8"
    "@sha256:07b2536e30b803ed61d1677a79df6115f798ce64c80f9e22f6ed45afd09323c0",
}
KUBERNETES = "RESILIENCE_KUBERNETES"
"""The environment variable that chooses one of them."""
_WAIT = "120s"


def node_image() -> str:
    """The image of the Kubernetes that was chosen."""
    minor = os.environ.get(KUBERNETES) or next(iter(NODE_IMAGES))
    if minor not in NODE_IMAGES:
        raise ClusterError(f"{KUBERNETES}={minor}: there are {', '.join(NODE_IMAGES)}")
    return NODE_IMAGES[minor]


def usable() -> bool:
    """Whether a Docker engine answers and runs the node image as a privileged container."""
    if shutil.which("docker") is None or not _succeeds(["docker", "info"], timeout=20):
        return False
    print("trying Docker with the node's image, which it may have to pull first", flush=True)
    command = ["docker", "run", "--rm", "--privileged", "--entrypoint", "true", node_image()]
    return _succeeds(command, timeout=600)


def _succeeds(command: Sequence[str], timeout: float) -> bool:
    try:
        answer = subprocess.run(command, capture_output=True, check=False, timeout=timeout)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0


class KindProvider:
    """A kind cluster with a kubeconfig file of its own."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._folder = cluster_folder(name)
        self.kubeconfig = self._folder / "kubeconfig"
        # Programs beside the cluster, such as the way to a port in it.
        self.processes = ProcessTable(self._folder)

    def create_command(self, kind: str) -> list[str]:
        """Creates the cluster, without touching the user's kubeconfig."""
        return [
            *self._command(kind, "create", "cluster"),
            f"--image={node_image()}",
            f"--kubeconfig={self.kubeconfig}",
            f"--wait={_WAIT}",
        ]

    def delete_command(self, kind: str) -> list[str]:
        """Deletes the cluster; kind reports no error when there is none."""
        command = self._command(kind, "delete", "cluster")
        return [*command, f"--kubeconfig={self.kubeconfig}"]

    def load_command(self, kind: str, archive: Path) -> list[str]:
        """Imports one image archive."""
        return [*self._command(kind, "load", "image-archive"), str(archive)]

    def up(self) -> None:
        """Create the cluster, over one that is only half made if need be."""
        if self._complete():
            return
        kind = _kind()
        remember(self._name, "kind")
        _run(self.delete_command(kind))
        _run(self.create_command(kind))
        (self._folder / "complete").touch()

    def down(self) -> None:
        """Delete the cluster."""
        if self._folder.exists():
            for program in self.processes.recorded():
                self.processes.stop(program)
            _run(self.delete_command(_kind()))
            shutil.rmtree(self._folder)

    def status(self) -> Sequence[str]:
        """The cluster's nodes, as kind knows them."""
        if not self._folder.exists():
            return []
        answer = subprocess.run(
            self._command(_kind(), "get", "nodes"), capture_output=True, text=True, check=False
        )
        return [*answer.stdout.split(), f"complete: {'yes' if self._complete() else 'no'}"]

    def load(self, archives: Sequence[Path]) -> None:
        """Import image archives into the node."""
        for archive in archives:
            _run(self.load_command(_kind(), archive))

    def kubectl(self) -> str:
        """The one on PATH, or the built one."""
        return shutil.which("kubectl") or build.ensure(["kubernetes"])["kubectl"]

    def _complete(self) -> bool:
        return (self._folder / "complete").exists()

    def _command(self, kind: str, *arguments: str) -> list[str]:
        return [kind, *arguments, f"--name={self._name}"]


def _kind() -> str:
    return build.ensure(["kind"])["kind"]


def _run(command: Sequence[str]) -> None:
    if subprocess.run(command, check=False).returncode != 0:
        raise ClusterError(f"failed: {' '.join(command)}")
