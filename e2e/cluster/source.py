"""The `source` provider: a one-node cluster of programs built from their Go modules.

Coming up and going down are lists of idempotent steps. `down` makes no use of how far an `up`
came: each of its steps removes whatever there is of one kind, programs first, so that it also is
what `up` begins with. The cluster's folder goes last, as the notes in it are what proves that a
thing is ours.
"""

import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

from e2e.cluster import build, debian, mounts, network, ports, waiting
from e2e.cluster.cgroups import ControlGroup
from e2e.cluster.client import ApiError
from e2e.cluster.controlplane import Audit, ControlPlane
from e2e.cluster.errors import ClusterError
from e2e.cluster.node import Node
from e2e.cluster.paths import cluster_folder
from e2e.cluster.pki import KeyPair
from e2e.cluster.processes import ProcessTable
from e2e.cluster.provider import known_clusters, remember, remembered
from e2e.cluster.runtime import ContainerRuntime
from e2e.cluster.tools import CLUSTER_TOOLS

# Who each program is to the API server: (user, groups), as the default RBAC rules name them.
_IDENTITIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "kube-controller-manager": ("system:kube-controller-manager", ()),
    "kube-scheduler": ("system:kube-scheduler", ()),
    "kube-proxy": ("system:kube-proxy", ()),
    "coredns": ("system:coredns", ()),
}
_DNS_READS = (
    ("", ("endpoints", "services", "pods", "namespaces")),
    ("discovery.k8s.io", ("endpointslices",)),
)
# The order in which they end: first what would start anything again.
_PROGRAMS = (
    "kubelet",
    "kube-proxy",
    "coredns",
    "kube-scheduler",
    "kube-controller-manager",
    "containerd",
    "kube-apiserver",
    "etcd",
)


class SourceProvider:
    """A cluster in a folder, of which there can be one on a machine at a time."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._node_name = f"{name}-control-plane"
        self._folder = cluster_folder(name)
        self._group = ControlGroup(f"resilience-operator-{name}")
        self._processes = ProcessTable(self._folder, control_groups=[self._group.entrance])
        self._runtime = ContainerRuntime(self._folder, self._processes)
        self._control_plane = ControlPlane(
            audit=Audit.ACCOUNTS,
            folder=self._folder,
            processes=self._processes,
            node_address=network.NODE_ADDRESS,
            cluster_name=name,
        )
        self.kubeconfig = self._control_plane.kubeconfig

    @property
    def processes(self) -> ProcessTable:
        """Its programs. What is started from here, as a gateway is, goes when the cluster goes."""
        return self._processes

    def up(self) -> None:
        """Bring it up from whatever there is."""
        if self._complete():
            return
        self._require_no_other()
        if os.geteuid() != 0:
            raise ClusterError("a node without Docker needs root: start Docker, or be root")
        debian.ensure(debian.NODE_NEEDS, cni=True)
        binaries = build.ensure(CLUSTER_TOOLS)
        if self._folder.exists():
            _step("removing what an earlier cluster left", self.down)
        network.require_free()
        remember(self._name, "source")
        self._group.create()
        network.create(self._folder)
        self._runtime.start()
        _step("etcd and the API server", self._control_plane.start)
        node = self._node(binaries)
        _step("the container runtime", lambda: self._prepare_runtime(binaries))
        _step("the node", lambda: self._start_node(node))
        (self._folder / "complete").touch()

    def down(self) -> None:
        """Remove everything of it."""
        for name in _PROGRAMS[:5]:
            self._processes.stop(name)
        self._group.kill("kubepods")
        for name in _PROGRAMS[5:]:
            self._processes.stop(name, grace_seconds=3.0)
        # What is left now are containerd's shims, which outlive it by design.
        self._group.kill()
        mounts.unmount_below(self._folder)
        if self._folder.exists():
            network.remove(self._folder)
            self._runtime.remove_strays()
        self._group.remove()
        if self._folder.exists():
            shutil.rmtree(self._folder)

    def status(self) -> Sequence[str]:
        """Its programs, and whether all of an `up` was done."""
        if not self._folder.exists():
            return []
        running = self._processes.running()
        lines = [
            f"{name}: {f'process {running[name].pid}' if name in running else 'not running'}"
            for name in _PROGRAMS
        ]
        return [*lines, f"complete: {'yes' if self._complete() else 'no'}"]

    def load(self, archives: Sequence[Path]) -> None:
        """Import image archives."""
        if not self._complete():
            raise ClusterError(f"cluster {self._name} is not up")
        for archive in archives:
            self._runtime.load(archive)

    def kubectl(self) -> str:
        """The built kubectl."""
        return build.find(CLUSTER_TOOLS)["kubectl"]

    def _complete(self) -> bool:
        running = self._processes.running()
        return (self._folder / "complete").exists() and all(name in running for name in _PROGRAMS)

    def _require_no_other(self) -> None:
        for other in known_clusters():
            if other != self._name and remembered(other) == "source":
                raise ClusterError(
                    f"cluster {other} has this machine's network; first run: "
                    f"python -m e2e.cluster down --name {other}"
                )

    def _node(self, binaries: build.Binaries) -> Node:
        issue = self._control_plane.authority.issue
        identities = {
            **_IDENTITIES,
            "kubelet": (f"system:node:{self._node_name}", ("system:nodes",)),
        }
        pairs = {name: issue(name, user, groups) for name, (user, groups) in identities.items()}
        return Node(
            name=self._node_name,
            folder=self._folder,
            binaries=binaries,
            authority=self._control_plane.authority.root,
            signing=self._control_plane.signing,
            kubeconfigs={name: self._kubeconfig(name, pair) for name, pair in pairs.items()},
        )

    def _kubeconfig(self, name: str, pair: KeyPair) -> Path:
        path = self._folder / "pki" / f"{name}.kubeconfig"
        return self._control_plane.write_kubeconfig(path, pair)

    def _prepare_runtime(self, binaries: build.Binaries) -> None:
        self._runtime.wait()
        self._runtime.load_pause(Path(binaries["pause"]))

    def _start_node(self, node: Node) -> None:
        self._processes.start("kube-controller-manager", node.controller_manager())
        self._processes.start("kube-scheduler", node.scheduler())
        serving = self._control_plane.authority.issue(
            "kubelet-serving",
            f"system:node:{self._node_name}",
            ("system:nodes",),
            (self._node_name, network.NODE_ADDRESS),
        )
        kubelet = node.kubelet(self._runtime.endpoint, serving, self._group.path)
        # Like containerd, it finds programs by name.
        path = {"PATH": debian.SEARCH_PATH}
        self._processes.start("kubelet", kubelet, env=path)
        network.announce_kube_chains(self._folder)
        self._processes.start("kube-proxy", node.proxy(), env=path)
        self._start_dns(node)
        waiting.until("the node to be ready", self._node_ready, 60.0)
        waiting.until("the default service account", self._service_account_exists, 30.0)

    def _start_dns(self, node: Node) -> None:
        client = self._control_plane.client
        rbac = "/apis/rbac.authorization.k8s.io/v1"
        rules = [
            {"apiGroups": [group], "resources": list(resources), "verbs": ["list", "watch"]}
            for group, resources in _DNS_READS
        ]
        meta = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": "coredns"}}
        reader = {**meta, "kind": "ClusterRole", "rules": rules}
        client.apply(f"{rbac}/clusterroles/coredns", reader)
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "coredns"}
        user = {"apiGroup": role["apiGroup"], "kind": "User", "name": "system:coredns"}
        binding = {**meta, "kind": "ClusterRoleBinding", "roleRef": role, "subjects": [user]}
        client.apply(f"{rbac}/clusterrolebindings/coredns", binding)
        (ready_port,) = ports.free(1)
        self._processes.start("coredns", node.dns(ready_port))

        def answers() -> bool:
            self._processes.check("coredns")
            return _responds(f"http://127.0.0.1:{ready_port}/ready")

        waiting.until("DNS", answers, 30.0)

    def _node_ready(self) -> bool:
        for name in _PROGRAMS:
            self._processes.check(name)
        try:
            node = self._control_plane.client.request("GET", f"/api/v1/nodes/{self._node_name}")
        except ApiError as error:
            if error.status == 404:
                return False
            raise
        conditions = node["status"].get("conditions", [])
        return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)

    def _service_account_exists(self) -> bool:
        path = "/api/v1/namespaces/default/serviceaccounts"
        return bool(self._control_plane.client.request("GET", path)["items"])


def _responds(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False


def _step(what: str, action: Callable[[], None]) -> None:
    started = time.monotonic()
    action()
    print(f"  {what}: {time.monotonic() - started:.1f} s", flush=True)
