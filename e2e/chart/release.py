"""The operator as a release of its chart: this version, or the one before, which is kept packed."""

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from e2e.chart.live import Live
from e2e.demo.deploy import wait_available
from e2e.demo.helm import CHART, OPERATOR_NAMESPACE, RELEASE, Helm
from e2e.demo.kubectl import Kubectl

PREVIOUS = "0.1.0"
_FOLDER = "tests/integration/chart/previous"
_CHART = f"{_FOLDER}/resilience-operator-{PREVIOUS}.tgz"
_WHEEL = f"resilience_operator-{PREVIOUS}-py3-none-any.whl"
# Python runs the code of the wheel in place of the image's own.
_RUN_THE_WHEEL: dict[str, Any] = {
    "extraEnv": [{"name": "PYTHONPATH", "value": f"/previous/{_WHEEL}"}],
    "extraVolumes": [{"name": "previous", "configMap": {"name": "previous"}}],
    "extraVolumeMounts": [{"name": "previous", "mountPath": "/previous"}],
}
CRDS = tuple(
    f"{kind}.resilience.aidrive.dev" for kind in ("resiliencepolicies", "degradationlevels")
)
ENOUGH_RESULTS = 40
"""Answers of probes after which a leader would have changed what it wanted to change."""


class Release:
    """What is done to the release, and who leads after it."""

    def __init__(self, kubectl: Kubectl) -> None:
        self.kubectl = kubectl
        self.helm = Helm(kubectl.environment)

    def install(self, *options: str) -> None:
        """Install this repository's chart, and wait until a replica leads."""
        self.helm.run("install", RELEASE, CHART, *options)
        self.await_leader()

    def install_previous(self, *options: str) -> None:
        """The same with the version before: its chart and its code."""
        wheel = f"--from-file={_FOLDER}/{_WHEEL}"
        self.kubectl.run("-n", OPERATOR_NAMESPACE, "create", "configmap", "previous", wheel)
        values = (
            f"--set-json={name}={json.dumps(value)}" for name, value in _RUN_THE_WHEEL.items()
        )
        self.helm.run("install", RELEASE, _CHART, *values, *options)
        self.await_leader()

    def upgrade(self, *options: str) -> None:
        """To this repository's chart, with these values."""
        self.helm.run("upgrade", RELEASE, CHART, "--reset-values", *options)
        self.await_leader()

    def change(self, *options: str) -> None:
        """Other values, besides those of the release."""
        self.helm.run("upgrade", RELEASE, CHART, "--reset-then-reuse-values", *options)
        self.await_leader()

    def rollback(self, revision: int) -> None:
        """Back to a revision."""
        self.helm.run("rollback", RELEASE, str(revision))
        self.await_leader()

    def uninstall(self) -> str:
        """Remove it; what helm says."""
        return self.helm.run("uninstall", RELEASE)

    def versions(self) -> tuple[str, str]:
        """The chart's that is installed, and the leader's own."""
        (row,) = json.loads(self.helm.run("list", "--output", "json"))
        info = re.search(
            r'resilience_build_info\{.*version="([^"]+)"', self._metrics(self.leader())
        )
        assert info, "the leader says its version"
        return row["chart"].removeprefix(f"{RELEASE}-"), info[1]

    def await_leader(self) -> None:
        """Wait until all pods are of the present template, and one of them leads."""
        wait_available(self.kubectl, OPERATOR_NAMESPACE, (RELEASE,))
        self._until("one of the replicas leads", lambda: bool(self.leader()))

    def await_evidence(self) -> None:
        """Wait until the leader has probed for a while."""
        name = "resilience_probe_results_total"
        self._until("it probes", lambda: self.metric(self.leader(), name) >= ENOUGH_RESULTS)

    def leader(self) -> str:
        """The pod that holds the Lease, if it is one of those that are there to stay."""
        lease = self._get("lease", RELEASE)
        holder = str(lease["spec"].get("holderIdentity", ""))
        return holder if holder in self.pods() else ""

    def pods(self) -> list[str]:
        """The pods that are there to stay."""
        items: list[dict[str, Any]] = self._get("pods")["items"]
        return [
            one["metadata"]["name"] for one in items if "deletionTimestamp" not in one["metadata"]
        ]

    def metric(self, pod: str, name: str) -> float:
        """The sum of a metric's series."""
        lines = self._metrics(pod).splitlines()
        found = [line for line in lines if line.startswith((f"{name} ", f"{name}{{"))]
        return sum(float(line.rsplit(" ", 1)[1]) for line in found)

    def _metrics(self, pod: str) -> str:
        path = f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/pods/{pod}:8080/proxy/metrics"
        return self.kubectl.run("get", "--raw", path)

    def _until(self, what: str, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 90
        while not holds():
            assert time.monotonic() < deadline, f"not within 90 s: {what}"
            time.sleep(0.5)

    def _get(self, *what: str) -> Any:
        return self.kubectl.get("-n", OPERATOR_NAMESPACE, *what)


@contextmanager
def untouched(live: Live) -> Iterator[None]:
    """A block after which flags, weights, levels and the rollout have to be as before it."""
    written, standing = live.written(), live.standing()
    yield
    assert live.standing() == standing
    assert live.written() == written
