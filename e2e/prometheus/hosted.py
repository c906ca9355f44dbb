"""Prometheus for a cluster from source: Debian's program, as a process of this machine.

It listens on the node's address, which the operator's address guard lets pods dial, unlike
loopback. Its data and its record are in the cluster's folder, and go with the cluster.
"""

import json
import shutil
import sys
import urllib.error
import urllib.request
from pathlib import Path

from e2e.cluster import debian, network, ports, waiting
from e2e.cluster.errors import ClusterError
from e2e.cluster.paths import cluster_folder
from e2e.cluster.provider import Provider
from e2e.demo.kubectl import ROOT, Kubectl
from e2e.prometheus import service
from e2e.prometheus.config import NAMESPACE, from_files

_NEEDS = {"prometheus": "prometheus"}
_PROGRAM = "prometheus"
_TARGETS = "prometheus-targets"


class HostedPrometheus:
    """Prometheus on this machine, for one cluster."""

    def __init__(self, name: str, cluster: Provider, kubectl: Kubectl) -> None:
        self._processes = cluster.processes
        self._kubeconfig = cluster.kubeconfig
        self._kubectl = kubectl
        self._folder = cluster_folder(name) / "prometheus"
        self._note = self._folder / "port"

    def url(self) -> str | None:
        """Where it answers, for this machine, if it runs."""
        if not self._note.exists() or {_PROGRAM, _TARGETS} - set(self._processes.running()):
            return None
        return self._address()

    def up(self) -> str:
        """Bring it up; at once, when it is up already."""
        url = self.url()
        if url is not None:
            return url
        debian.ensure(_NEEDS)
        self._folder.mkdir(exist_ok=True)
        self._processes.stop(_PROGRAM)
        port = ports.preferred(network.NODE_ADDRESS, service.PORT)
        # JSON is YAML.
        self._config.write_text(json.dumps(from_files(self._folder), indent=2) + "\n")
        items = [service.service(), service.endpoints(network.NODE_ADDRESS, port)]
        manifest = self._folder / "service.json"
        manifest.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
        namespace = ROOT / "manifests" / "demo" / "namespace.yaml"
        self._kubectl.run(
            "apply", "--server-side", "--force-conflicts", "-f", str(namespace), "-f", str(manifest)
        )
        self._note.write_text(f"{port}\n")
        return self.start()

    def start(self) -> str:
        """Start it, or start it again on the same address and data after a `stop`."""
        if not self._note.exists():
            raise ClusterError("Prometheus is not up; run: python -m e2e.prometheus up")
        program = debian.which("prometheus")
        if program is None:
            raise ClusterError("the program prometheus is gone from this machine")
        url = self._address()
        if _TARGETS not in self._processes.running():
            module = [sys.executable, "-m", "e2e.prometheus.targets"]
            command = [*module, str(self._kubeconfig), str(self._folder)]
            self._processes.start(_TARGETS, command, env={"PYTHONPATH": str(ROOT)})
        if _PROGRAM not in self._processes.running():
            command = [program, f"--config.file={self._config}", "--log.level=warn"]
            command += [f"--storage.tsdb.path={self._folder / 'data'}"]
            command += ["--storage.tsdb.retention.time=6h"]
            command += [f"--web.listen-address={url.removeprefix('http://')}"]
            self._processes.start(_PROGRAM, command)
        waiting.until("Prometheus", lambda: self._ready(url), 60.0)
        return url

    def stop(self) -> None:
        """End the program only: its Service stays, and nobody answers there."""
        self._processes.stop(_PROGRAM)

    def down(self) -> None:
        """End it, and remove its Service and its data."""
        self.stop()
        self._processes.stop(_TARGETS)
        for kind in ("service", "endpointslice"):
            self._kubectl.run("-n", NAMESPACE, "delete", "--ignore-not-found", kind, service.NAME)
        if self._folder.exists():
            shutil.rmtree(self._folder)

    @property
    def _config(self) -> Path:
        return self._folder / "prometheus.yaml"

    def _address(self) -> str:
        return f"http://{network.NODE_ADDRESS}:{self._note.read_text().strip()}"

    def _ready(self, url: str) -> bool:
        self._processes.check(_PROGRAM)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"{url}/-/ready", timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            return False
