"""The operator as a release of a chart: this one, or the version before, which is kept packed."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from e2e.chart.live import Live
from e2e.demo.deploy import wait_available
from e2e.demo.helm import CHART, OPERATOR_NAMESPACE, RELEASE, Helm
from e2e.demo.kubectl import Kubectl

PREVIOUS = "tests/integration/chart/previous/resilience-operator-0.1.0.tgz"
CRDS = tuple(
    f"{kind}.resilience.aidrive.dev" for kind in ("resiliencepolicies", "degradationlevels")
)
SETTLED_RESULTS = 40
"""Answers of probes after which a new leader would have changed what it wanted to change."""


class Release:
    """What is done to the release, and who leads after it."""

    def __init__(self, kubectl: Kubectl) -> None:
        self.kubectl = kubectl
        self.helm = Helm(kubectl.environment)

    def install(self, chart: str = CHART, *options: str) -> None:
        """Install it, and wait until a replica leads."""
        self.helm.run("install", RELEASE, chart, *options)
        self.await_leader()

    def upgrade(self, *options: str) -> None:
        """Upgrade to this repository's chart, with the values of the release and these."""
        self.helm.run("upgrade", RELEASE, CHART, "--reset-then-reuse-values", *options)
        self.await_leader()

    def rollback(self, revision: int) -> None:
        """Back to a revision."""
        self.helm.run("rollback", RELEASE, str(revision))
        self.await_leader()

    def uninstall(self) -> str:
        """Remove it; what helm says."""
        return self.helm.run("uninstall", RELEASE)

    def chart(self) -> str:
        """Name and version of the chart that is installed."""
        rows = self.helm.run("list", "--filter", f"^{RELEASE}$", "--no-headers").split("\t")
        return rows[5].strip()

    def await_leader(self) -> None:
        """Wait until all pods are of the present template and one has led for a while."""
        wait_available(self.kubectl, OPERATOR_NAMESPACE, (RELEASE,))
        deadline = time.monotonic() + 90
        while not self._settled():
            assert time.monotonic() < deadline, "no replica of the release leads and probes"
            time.sleep(0.5)

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
        path = f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/pods/{pod}:8080/proxy/metrics"
        lines = self.kubectl.run("get", "--raw", path).splitlines()
        found = [line for line in lines if line.startswith((f"{name} ", f"{name}{{"))]
        return sum(float(line.rsplit(" ", 1)[1]) for line in found)

    def _settled(self) -> bool:
        leader = self.leader()
        if not leader or not self.metric(leader, "resilience_policies"):
            return bool(leader) and not self._policies()
        return self.metric(leader, "resilience_probe_results_total") >= SETTLED_RESULTS

    def _policies(self) -> str:
        return self.kubectl.run("get", "resiliencepolicies", "--all-namespaces", "--output=name")

    def _get(self, *what: str) -> Any:
        return self.kubectl.get("-n", OPERATOR_NAMESPACE, *what)


@contextmanager
def untouched(live: Live) -> Iterator[None]:
    """A block after which flags, weights, levels and the rollout have to be as before it."""
    written, standing = live.written(), live.standing()
    yield
    assert live.standing() == standing
    assert live.written() == written
