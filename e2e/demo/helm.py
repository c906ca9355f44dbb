"""helm against the demo's own cluster: the operator as a release of its chart."""

import json
import shutil
from typing import Any

from e2e.cluster import build
from e2e.demo.kubectl import run_program

CHART = "charts/resilience-operator"
RELEASE = "resilience-operator"
OPERATOR_NAMESPACE = "resilience-system"
_INSTALL = ("upgrade", "--install")


def ensure() -> None:
    """Make sure that there is a helm: the one on PATH, or one built here, which takes a minute."""
    if shutil.which("helm") is None:
        build.ensure(["helm"])


class Helm:
    """Runs helm with the kubeconfig of one cluster, for the operator's release."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment

    def run(self, *arguments: str) -> str:
        """Standard output of a command; raises CommandFailed with what it said."""
        return run_program(
            "helm", "--namespace", OPERATOR_NAMESPACE, *arguments, environment=self._environment
        )

    def install(self, *options: str) -> None:
        """Install the chart of this repository, or upgrade the release to it."""
        if RELEASE in self.run("list", "--pending", "--short"):
            self.run("uninstall", RELEASE)  # one that was cut off; policies and CRDs stay
        self.run(*_INSTALL, RELEASE, CHART, *options)

    def status(self) -> dict[str, Any]:
        """What helm knows of the release."""
        found: dict[str, Any] = json.loads(self.run("status", RELEASE, "--output", "json"))
        return found
