"""The node's container runtime: a containerd of our own, apart from any other on the machine.

Its data, state, sockets, network namespaces and even runc's folder are below the cluster's
folder, so that what it leaves when it is cut off can be found there and nowhere else.
"""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from e2e.cluster import debian, images, network, waiting
from e2e.cluster.errors import ClusterError
from e2e.cluster.processes import ProcessTable

PAUSE_IMAGE = "localhost/resilience-operator/pause:1"
_NAMESPACE = "k8s.io"
_SHIM_SOCKETS = Path("/run/containerd/s")
_SCHEME = "unix://"


def containerd_config(folder: Path, cni_bin: str) -> str:
    """The configuration, in the version that containerd 1.6, 1.7 and 2 read."""
    cri = 'plugins."io.containerd.grpc.v1.cri"'
    unused = ("aufs", "btrfs", "devmapper", "zfs")
    disabled = ", ".join(f'"io.containerd.snapshotter.v1.{name}"' for name in unused)
    return f"""version = 2
root = "{folder}/containerd"
state = "{folder}/run"
disabled_plugins = [{disabled}]

[grpc]
address = "{folder}/containerd.sock"

[plugins."io.containerd.internal.v1.opt"]
path = "{folder}/containerd/opt"

[{cri}]
sandbox_image = "{PAUSE_IMAGE}"
# A machine may lack CAP_SYS_RESOURCE, and with it the right to lower an OOM score.
restrict_oom_score_adj = true
disable_hugetlb_controller = true
# Then they are unmounted and removed with everything else below the folder.
netns_mounts_under_state_dir = true

[{cri}.cni]
bin_dir = "{cni_bin}"
conf_dir = "{folder}/cni"

[{cri}.containerd]
default_runtime_name = "runc"

[{cri}.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[{cri}.containerd.runtimes.runc.options]
SystemdCgroup = false
Root = "{folder}/runc"
"""


def cni_config(folder: Path) -> str:
    """The pods' network; the bridge and its address are made by us, not by the plugin."""
    config = {
        "cniVersion": "0.4.0",
        "name": network.cni_network(folder),
        "plugins": [
            {
                "type": "bridge",
                "bridge": network.BRIDGE,
                # A pod may reach itself through its own Service.
                "hairpinMode": True,
                "ipam": {
                    "type": "host-local",
                    "dataDir": str(folder / "addresses"),
                    "ranges": [[{"subnet": network.POD_RANGE, "gateway": network.NODE_ADDRESS}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            }
        ],
    }
    return json.dumps(config, indent=2)


class ContainerRuntime:
    """containerd in a cluster's folder."""

    def __init__(self, folder: Path, processes: ProcessTable) -> None:
        self._folder = folder
        self._processes = processes

    @property
    def endpoint(self) -> str:
        """Where the kubelet finds it."""
        return f"{_SCHEME}{self._folder}/containerd.sock"

    def start(self) -> None:
        """Write its configuration and start it."""
        plugins = debian.cni_folder()
        if plugins is None:
            raise ClusterError("the CNI plugins are missing")
        (self._folder / "cni").mkdir(exist_ok=True)
        (self._folder / "cni" / "10-bridge.conflist").write_text(cni_config(self._folder))
        config = self._folder / "containerd.toml"
        config.write_text(containerd_config(self._folder, plugins))
        command = [debian.which("containerd") or "containerd", "--config", str(config)]
        # It starts its shims and runc by name.
        self._processes.start("containerd", command, env={"PATH": debian.SEARCH_PATH})

    def wait(self) -> None:
        """Return when it answers."""

        def answers() -> bool:
            self._processes.check("containerd")
            return self._ctr("version").returncode == 0

        waiting.until("containerd", answers, 30.0)

    def load(self, archive: Path) -> None:
        """Import an image archive, as `docker save` makes it."""
        if not archive.is_file():
            raise ClusterError(f"there is no image archive {archive}")
        answer = self._ctr("images", "import", str(archive))
        if answer.returncode != 0:
            raise ClusterError(f"cannot import {archive}: {answer.stderr.strip()}")

    def load_pause(self, program: Path) -> None:
        """Import the image that holds a pod's namespaces open."""
        archive = self._folder / "pause.tar"
        images.write_archive(archive, reference=PAUSE_IMAGE, program=program)
        self.load(archive)

    def _ctr(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        socket = f"{self._folder}/containerd.sock"
        command = [debian.which("ctr") or "ctr", "--address", socket, "--namespace", _NAMESPACE]
        return subprocess.run(
            [*command, *arguments], capture_output=True, text=True, check=False, timeout=300
        )

    def remove_strays(self) -> None:
        """Remove what it and the kubelet keep outside the folder; nothing of either may run."""
        for address in self._folder.glob("run/io.containerd.runtime.v2.task/*/*/address"):
            socket = Path(address.read_text().strip().removeprefix(_SCHEME))
            if socket.parent == _SHIM_SOCKETS:
                socket.unlink(missing_ok=True)
        _remove_links(Path("/var/log/containers"), self._points_into_folder)

    def _points_into_folder(self, link: Path) -> bool:
        return os.readlink(link).startswith(f"{self._folder}/")


def _remove_links(folder: Path, ours: Callable[[Path], bool]) -> None:
    for link in folder.glob("*"):
        if link.is_symlink() and ours(link):
            link.unlink()
