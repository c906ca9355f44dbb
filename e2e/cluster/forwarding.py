"""A Service of the cluster on a port of this machine, for as long as the cluster is up."""

import re

from e2e.cluster import ports, waiting
from e2e.cluster.provider import Provider

_ADDRESS = "127.0.0.1"
_SECONDS = 30.0


class Forward:
    """One `kubectl port-forward`, recorded among the cluster's programs under a name."""

    def __init__(self, cluster: Provider, program: str, namespace: str, service: str) -> None:
        self._cluster = cluster
        self._program = program
        self._target = ("-n", namespace, f"service/{service}")

    def url(self) -> str | None:
        """Where the Service answers, if it is forwarded."""
        if self._program not in self._cluster.processes.running():
            return None
        log = self._cluster.processes.log(self._program).read_text(errors="replace")
        found = re.findall(rf"Forwarding from ({re.escape(_ADDRESS)}:\d+)", log)
        return f"http://{found[-1]}" if found else None

    def start(self, usual_port: int, port: int) -> str:
        """Forward the usual port of this machine, or a free one; where that is."""
        self.stop()
        # What an earlier one has said of its port is no word of this one.
        self._cluster.processes.log(self._program).unlink(missing_ok=True)
        command = [self._cluster.kubectl(), f"--kubeconfig={self._cluster.kubeconfig}"]
        command += ["port-forward", f"--address={_ADDRESS}", *self._target]
        here = ports.preferred(_ADDRESS, usual_port)
        self._cluster.processes.start(self._program, [*command, f"{here}:{port}"])
        waiting.until("the forwarded port", self._there, _SECONDS)
        return self.url() or ""

    def stop(self) -> None:
        """Forward no more."""
        self._cluster.processes.stop(self._program)

    def _there(self) -> bool:
        self._cluster.processes.check(self._program)
        return self.url() is not None
