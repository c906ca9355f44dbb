"""Runs helm and kubectl, and reads what they render."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import yaml

Body = dict[str, Any]

ROOT = Path(__file__).parents[3]
CHART = ROOT / "charts" / "resilience-operator"
RELEASE = "resilience-operator"
NAMESPACE = "resilience-system"
MONITORING = "monitoring.coreos.com/v1"
KINDS_OF_MONITORING = (f"{MONITORING}/ServiceMonitor", f"{MONITORING}/PrometheusRule")
_SECONDS = 90


class HelmError(Exception):
    """helm ended with an error; the text is what it said."""


class Helm:
    """helm with a folder of its own for what it keeps, and a cluster if it is given one."""

    def __init__(self, command: str, folder: Path, kubeconfig: Path | None = None) -> None:
        self._command = command
        self._folder = folder
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "KUBECONFIG": str(kubeconfig or folder / "none"),
        }
        self._count = 0

    def run(self, *arguments: str) -> str:
        """Its output. Raises HelmError."""
        done = subprocess.run(
            [self._command, *arguments],
            env=self._environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
        if done.returncode != 0:
            raise HelmError(done.stderr.strip() or done.stdout.strip())
        return done.stdout

    def values(self, values: Body) -> list[str]:
        """The arguments that give these values."""
        self._count += 1
        path = self._folder / f"values-{self._count}.yaml"
        path.write_text(yaml.safe_dump(values))
        return ["--values", str(path)]

    def render(self, values: Body | None = None, *, monitoring: bool = True) -> list[Body]:
        """The objects that the chart gives with these values."""
        known = [f"--api-versions={kind}" for kind in KINDS_OF_MONITORING] if monitoring else []
        text = self.run(
            "template", RELEASE, str(CHART), "-n", NAMESPACE, *known, *self.values(values or {})
        )
        return [one for one in yaml.safe_load_all(text) if one is not None]

    def install(self, values: Body | None = None, namespace: str = NAMESPACE) -> str:
        """Install or upgrade the release; what the notes say."""
        return self.run(
            *("upgrade", "--install", RELEASE, str(CHART), "-n", namespace, "--create-namespace"),
            *self.values(values or {}),
        )

    def uninstall(self, namespace: str = NAMESPACE) -> str:
        """Remove the release; what is said to be kept."""
        return self.run("uninstall", RELEASE, "-n", namespace)

    def revision(self, namespace: str = NAMESPACE) -> tuple[int, str]:
        """Number and status of the release."""
        found = json.loads(self.run("status", RELEASE, "-n", namespace, "-o", "json"))
        return found["version"], found["info"]["status"]


class Kubectl:
    """kubectl as an administrator."""

    def __init__(self, command: str, kubeconfig: Path) -> None:
        self._command = [command, "--kubeconfig", str(kubeconfig)]

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """The ended command, whatever its end."""
        return subprocess.run(
            [*self._command, *arguments],
            input=stdin,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )

    def output(self, *arguments: str, stdin: str = "") -> str:
        """The output of a command that succeeds."""
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refuses(self, manifests: list[Body]) -> str:
        """What a server-side dry run has against these objects; empty when nothing."""
        if not manifests:
            return ""
        apply = ("apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-")
        done = self.run(*apply, stdin=yaml.safe_dump_all(manifests))
        # A warning, such as that of a Pod Security level, is as good as a refusal here.
        return done.stderr.strip()


def found(objects: list[Body], kind: str, name: str | None = None) -> list[Body]:
    """The objects of a kind, or the one of that name."""
    return [
        one for one in objects if one["kind"] == kind and name in (None, one["metadata"]["name"])
    ]


def the(objects: list[Body], kind: str, name: str = RELEASE) -> Body:
    """The one object of that kind and name."""
    (one,) = found(objects, kind, name)
    return one
