"""The gateway of a cluster from source: Contour and Envoy as processes of this machine.

Both are recorded among the cluster's own programs, so that a `down` of the cluster also ends
them. Envoy listens on loopback only, and reaches the pods by the node's bridge.
"""

import json
import subprocess
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

from e2e.cluster import build, ports, waiting
from e2e.cluster.errors import ClusterError
from e2e.cluster.paths import cluster_folder
from e2e.cluster.provider import Provider
from e2e.demo.kubectl import CommandFailed, Kubectl
from e2e.gateway import envoy, resources

_ADDRESS = "127.0.0.1"
_USUAL_PORT = 8080
_PROGRAMS = ("envoy", "contour")
# A machine that is busy for some seconds makes requests wait; none is refused for that.
_MOST = 10_000
_CIRCUIT_BREAKERS = {"max-connections": _MOST, "max-pending-requests": _MOST, "max-requests": _MOST}
_TIMEOUTS = {"connect-timeout": "10s"}


class HostedGateway:
    """Contour and Envoy on this machine, for one cluster."""

    def __init__(self, name: str, cluster: Provider, kubectl: Kubectl) -> None:
        self._processes = cluster.processes
        self._kubeconfig = cluster.kubeconfig
        self._kubectl = kubectl
        self._folder = cluster_folder(name) / "gateway"
        self._note = self._folder / "url"

    def url(self) -> str | None:
        """Where it answers, if it is up."""
        if not self._note.exists() or set(_PROGRAMS) - set(self._processes.running()):
            return None
        return self._note.read_text().strip()

    def up(self) -> str:
        """Bring it up; at once, when it is up already."""
        url = self.url()
        if url is not None:
            return url
        contour = build.ensure(["contour"])["contour"]
        program = envoy.ensure()
        self._stop()
        self._folder.mkdir(exist_ok=True)
        resources.define(self._kubectl)
        port = ports.preferred(_ADDRESS, _USUAL_PORT)
        manifest = self._folder / "gateway.json"
        items = resources.gateway(resources.listener_port(port))
        manifest.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
        self._kubectl.run("apply", "--server-side", "--force-conflicts", "-f", str(manifest))
        self._start(contour, program)
        self._kubectl.run(
            "wait", "--for=condition=Programmed", "--timeout=30s", f"gateway/{resources.NAME}",
            "--namespace", resources.NAMESPACE,
        )  # fmt: skip
        self._note.write_text(f"http://{_ADDRESS}:{port}\n")
        return f"http://{_ADDRESS}:{port}"

    def down(self) -> None:
        """End both programs, and delete the Gateway with every definition."""
        self._stop()
        with suppress(FileNotFoundError):
            self._note.unlink()
        resources.undefine(self._kubectl)
        for path in self._folder.glob("*"):
            path.unlink()
        with suppress(FileNotFoundError):
            self._folder.rmdir()

    def status(self) -> list[str]:
        """The programs, and the state that the cluster sees."""
        running = self._processes.running()
        lines = [
            f"{name}: {f'process {running[name].pid}' if name in running else 'not running'}"
            for name in _PROGRAMS
        ]
        with suppress(CommandFailed):
            lines += self._kubectl.run("get", "gateways,httproutes", "-A").splitlines()
        return lines

    def _stop(self) -> None:
        for name in _PROGRAMS:
            self._processes.stop(name)

    def _start(self, contour: str, program: Path) -> None:
        xds, health, debug, stats = map(str, ports.free(4))
        config = self._folder / "contour.yaml"
        reference = {"name": resources.NAME, "namespace": resources.NAMESPACE}
        settings = {
            "gateway": {"gatewayRef": reference},
            # Envoy's own page has a socket; the listener for it, on a fixed port, is not wanted.
            "network": {"admin-port": 0},
            "cluster": {"circuit-breakers": _CIRCUIT_BREAKERS},
            "timeouts": _TIMEOUTS,
        }
        config.write_text(json.dumps(settings))  # JSON is YAML
        serve = [contour, "serve", f"--config-path={config}", f"--kubeconfig={self._kubeconfig}"]
        serve += ["--insecure", f"--xds-address={_ADDRESS}", f"--xds-port={xds}"]
        serve += [f"--envoy-service-http-address={_ADDRESS}", "--disable-leader-election"]
        for what, port in (("health", health), ("http", health), ("debug-http", debug)):
            serve += [f"--{what}-address={_ADDRESS}", f"--{what}-port={port}"]
        serve += [f"--stats-address={_ADDRESS}", f"--stats-port={stats}"]
        self._processes.start("contour", serve)
        bootstrap = self._folder / "envoy.json"
        command = [contour, "bootstrap", str(bootstrap), f"--xds-address={_ADDRESS}"]
        command += [f"--xds-port={xds}", "--dns-lookup-family=v4"]
        command += [f"--admin-address={self._folder / 'admin.sock'}"]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        if answer.returncode != 0:
            raise ClusterError(f"cannot write Envoy's configuration: {answer.stderr.strip()}")
        serve = [str(program), "--config-path", str(bootstrap), "--service-cluster", "gateway"]
        serve += ["--service-node", resources.NAME, "--log-level", "warning"]
        # It would share memory with other Envoys of the machine; and it is never replaced in place.
        self._processes.start("envoy", [*serve, "--disable-hot-restart"])
        waiting.until("Envoy to be ready", lambda: self._ready(stats), 30.0)

    def _ready(self, port: str) -> bool:
        """Whether Envoy serves what Contour has told it, which this very listener is part of."""
        for name in _PROGRAMS:
            self._processes.check(name)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"http://{_ADDRESS}:{port}/ready", timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            return False
