"""etcd and the API server, the pair that integration tests and the cluster both stand on.

    with ControlPlane(audit=Audit.ALL) as control_plane:
        control_plane.kubeconfig            # of an administrator
        control_plane.kubeconfig_for("jane", groups=["developers"])

No controller runs beside them: a deleted namespace stays in `Terminating`, a Deployment gets no
pods, and garbage is not collected.
"""

import enum
import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from e2e.cluster import build, debian, ports, waiting
from e2e.cluster.client import ApiClient
from e2e.cluster.errors import ClusterError
from e2e.cluster.pki import Authority, KeyPair, write_kubeconfig
from e2e.cluster.processes import ProcessTable
from e2e.cluster.tools import CONTROL_PLANE_TOOLS

SERVICE_RANGE = "10.214.0.0/16"
# The first address of the range, which the API server takes for its own Service.
API_SERVICE_ADDRESS = "10.214.0.1"
_READY_SECONDS = 60.0


class Audit(enum.Enum):
    """Which requests the audit log has, each once, at the Metadata level."""

    OFF = "off"
    WRITES = "writes"
    # Writes, and all that service accounts ask for: what a node asks all day would drown that.
    ACCOUNTS = "accounts"
    ALL = "all"


def audit_policy(audit: Audit) -> dict[str, Any]:
    """The policy file's content."""
    everything: dict[str, Any] = {"level": "Metadata"}
    accounts = {"level": "Metadata", "userGroups": ["system:serviceaccounts"]}
    no_reads = {"level": "None", "verbs": ["get", "list", "watch"]}
    rules = {
        Audit.WRITES: [no_reads, everything],
        Audit.ACCOUNTS: [accounts, no_reads, everything],
    }
    return {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": rules.get(audit, [everything]),
    }


class ControlPlane:
    """Runs etcd and the API server in a folder; a context manager that leaves neither behind.

    Without a folder it uses a temporary one and its processes die with the thread that entered
    it, so that not even a killed test run leaves them. With a folder they outlive this object.
    `node_address` is where a node and its pods reach the API server; without it there are no
    nodes, and pods are accepted without a service account.
    """

    def __init__(
        self,
        *,
        audit: Audit = Audit.OFF,
        extra_arguments: Sequence[str] = (),
        folder: Path | None = None,
        processes: ProcessTable | None = None,
        node_address: str | None = None,
        cluster_name: str = "control-plane",
    ) -> None:
        self._temporary = folder is None
        self._folder = folder or Path(tempfile.mkdtemp(prefix="control-plane-"))
        self.processes = processes or ProcessTable(self._folder, die_with_parent=self._temporary)
        self._audit = audit
        self._extra_arguments = tuple(extra_arguments)
        self._node_address = node_address
        self._cluster_name = cluster_name
        self._minted = 0
        self.kubeconfig = self._folder / "kubeconfig"
        self.audit_log: Path | None = None if audit is Audit.OFF else self._folder / "audit.log"

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start both and return when the API server is ready."""
        debian.ensure(debian.CONTROL_PLANE_NEEDS)
        self._binaries = build.find(CONTROL_PLANE_TOOLS)
        self._port, self._etcd_port, self._peer_port = ports.free(3)
        self.url = f"https://127.0.0.1:{self._port}"
        self.authority = Authority(self._folder / "pki")
        administrator = self.authority.issue("admin", "kubernetes-admin", ["system:masters"])
        self.client = ApiClient(self.url, self.authority.root, administrator)
        self.write_kubeconfig(self.kubeconfig, administrator)
        self._issue_server_keys()
        self.processes.start("etcd", self._etcd_command())
        self.start_api_server()

    def start_api_server(self) -> None:
        """Start the API server alone, on the same port and data as before."""
        self.processes.start("kube-apiserver", self._api_server_command())
        waiting.until("the API server", self._ready, _READY_SECONDS)

    def stop_api_server(self) -> None:
        """Stop the API server alone: an outage, for clients that have to survive one."""
        # It would wait a minute for open watches to end; nothing here is worth that.
        self.processes.stop("kube-apiserver", grace_seconds=2.0)

    def stop(self) -> None:
        """Stop both and, when it is temporary, remove the folder."""
        try:
            self.stop_api_server()
        finally:
            # Its data is thrown away, or was never promised to survive (no fsync).
            self.processes.stop("etcd", grace_seconds=5.0)
        if self._temporary:
            shutil.rmtree(self._folder, ignore_errors=True)

    def kubeconfig_for(self, user: str, groups: Sequence[str] = ()) -> Path:
        """A kubeconfig with a client certificate of that user in those groups."""
        self._minted += 1
        name = f"identity-{self._minted}"
        pair = self.authority.issue(name, user, groups)
        return self.write_kubeconfig(self._folder / f"{name}.kubeconfig", pair)

    def kubeconfig_for_service_account(self, namespace: str, name: str) -> Path:
        """A kubeconfig with a token of that service account, which is created if need be."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts"
        self.client.create(path, {"metadata": {"name": name}})
        answer = self.client.request(
            "POST", f"{path}/{name}/token", {"spec": {"expirationSeconds": 24 * 3600}}
        )
        self._minted += 1
        target = self._folder / f"identity-{self._minted}.kubeconfig"
        return self.write_kubeconfig(target, str(answer["status"]["token"]), namespace)

    def audit_events(self) -> list[dict[str, Any]]:
        """What the audit log has so far."""
        if self.audit_log is None:
            raise ClusterError("the audit log is off; pass audit=Audit.WRITES or Audit.ALL")
        lines = self.audit_log.read_text().splitlines() if self.audit_log.exists() else []
        return [json.loads(line) for line in lines]

    def write_kubeconfig(
        self, path: Path, credential: KeyPair | str, namespace: str = "default"
    ) -> Path:
        """A kubeconfig with a credential that was issued already."""
        return write_kubeconfig(
            path,
            cluster=self._cluster_name,
            server=self.url,
            authority=self.authority,
            credential=credential,
            namespace=namespace,
        )

    def _ready(self) -> bool:
        self.processes.check("etcd")
        self.processes.check("kube-apiserver")
        return self.client.ready()

    def _etcd_command(self) -> list[str]:
        client, peer = (f"http://127.0.0.1:{port}" for port in (self._etcd_port, self._peer_port))
        return [
            self._binaries["etcd"],
            f"--data-dir={self._folder / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--log-level=warn",
            # Writes reach the page cache only: many times faster, and lost with the machine.
            "--unsafe-no-fsync",
        ]

    def _api_server_command(self) -> list[str]:
        return [
            self._binaries["kube-apiserver"],
            f"--etcd-servers=http://127.0.0.1:{self._etcd_port}",
            f"--secure-port={self._port}",
            f"--tls-cert-file={self._serving.certificate}",
            f"--tls-private-key-file={self._serving.key}",
            f"--client-ca-file={self.authority.root.certificate}",
            "--authorization-mode=Node,RBAC",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-signing-key-file={self.signing.key}",
            f"--service-account-key-file={self.signing.certificate}",
            f"--service-cluster-ip-range={SERVICE_RANGE}",
            *self._reachability_arguments(),
            *self._audit_arguments(),
            *self._extra_arguments,
        ]

    def _issue_server_keys(self) -> None:
        names = ["localhost", "127.0.0.1", API_SERVICE_ADDRESS, self._cluster_name]
        names += ["kubernetes", "kubernetes.default", "kubernetes.default.svc"]
        names += ["kubernetes.default.svc.cluster.local"]
        names += [self._node_address] if self._node_address else []
        self._serving = self.authority.issue("kube-apiserver", "kube-apiserver", (), names)
        self.signing = self.authority.issue("service-accounts", "service-accounts")

    def _reachability_arguments(self) -> list[str]:
        if self._node_address is None:
            return [
                "--bind-address=127.0.0.1",
                "--advertise-address=127.0.0.1",
                # A Service may not have a loopback address as its endpoint.
                "--endpoint-reconciler-type=none",
                # It would refuse every pod: no controller creates the default account.
                "--disable-admission-plugins=ServiceAccount",
            ]
        kubelet_client = self.authority.issue(
            "kube-apiserver-kubelet-client", "kube-apiserver-kubelet-client", ["system:masters"]
        )
        return [
            "--bind-address=0.0.0.0",
            f"--advertise-address={self._node_address}",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
            # A node has no name that resolves here, and the default order tries its name first.
            "--kubelet-preferred-address-types=InternalIP",
            f"--kubelet-certificate-authority={self.authority.root.certificate}",
            f"--kubelet-client-certificate={kubelet_client.certificate}",
            f"--kubelet-client-key={kubelet_client.key}",
        ]

    def _audit_arguments(self) -> list[str]:
        if self.audit_log is None:
            return []
        policy = self._folder / "audit-policy.json"
        policy.write_text(json.dumps(audit_policy(self._audit)))
        return [
            f"--audit-policy-file={policy}",
            f"--audit-log-path={self.audit_log}",
            # One file to the end: without a limit given it is put aside at 100 MB.
            "--audit-log-maxsize=10000",
        ]
