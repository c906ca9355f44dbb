"""kubectl against the demo's own cluster, never against the user's current context."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


class CommandFailed(Exception):  # noqa: N818 - it reads as what happened
    """A command ended with an error; the message is what it said."""


def run_program(
    name: str, *arguments: str, environment: dict[str, str], timeout: float = 120
) -> str:
    """Standard output of a program; raises CommandFailed with what it said."""
    try:
        done = subprocess.run(
            [name, *arguments],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise CommandFailed(f"{name} {' '.join(arguments)}: no end in {timeout:.0f} s") from late
    if done.returncode != 0:
        raise CommandFailed(f"{name} {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


class Kubectl:
    """Runs kubectl with the kubeconfig of one cluster."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = {**os.environ, **environment}

    @property
    def environment(self) -> dict[str, str]:
        """The process environment that reaches the cluster."""
        return dict(self._environment)

    def run(self, *arguments: str, timeout: float = 120) -> str:
        """Standard output of a command; raises CommandFailed with what it said."""
        return run_program("kubectl", *arguments, environment=self._environment, timeout=timeout)

    def get(self, *arguments: str) -> Any:
        """`kubectl get … -o json`, decoded."""
        return json.loads(self.run("get", *arguments, "-o", "json"))

    def follow(self, *arguments: str) -> "subprocess.Popen[str]":
        """A command whose output is read while it runs."""
        return subprocess.Popen(
            ["kubectl", *arguments],
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )


def cluster_environment(name: str) -> dict[str, str]:
    """KUBECONFIG and PATH of the cluster, as `python -m e2e.cluster env` prints them."""
    done = subprocess.run(
        [sys.executable, "-m", "e2e.cluster", "env", "--name", name],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise CommandFailed(done.stderr.strip() or "the cluster's environment is not known")
    lines = (line.removeprefix("export ") for line in done.stdout.splitlines() if "=" in line)
    values = {k: v.strip("'\"") for k, _, v in (line.partition("=") for line in lines)}
    values["PATH"] = values.get("PATH", "").replace("$PATH", os.environ["PATH"])
    return {key: values[key] for key in ("KUBECONFIG", "PATH")}
