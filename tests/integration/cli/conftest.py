"""The command line on a real API server, with statuses that an operator would have written."""

import copy
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result

from e2e.cluster.controlplane import ControlPlane
from resilience_operator.cli.app import cli
from tests.integration.crd_cases import GOOD, LEVELS, POLICIES, Namespace
from tests.integration.custom_resources import Body

ANNOTATION = "resilience.aidrive.dev/rollout"


def before_now(**units: float) -> str:
    """That long ago, as a status has it."""
    return (datetime.now(UTC) - timedelta(**units)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Shop:
    """A policy named inventario with its level, and the command line in its namespace."""

    def __init__(self, here: Namespace, control_plane: ControlPlane) -> None:
        self.here = here
        self.kubeconfig = str(control_plane.kubeconfig)
        policy, level = copy.deepcopy(GOOD["rollout"]), copy.deepcopy(GOOD["level"])
        policy["metadata"]["name"] = level["metadata"]["name"] = "inventario"
        level["spec"] = {"policyRef": {"name": "inventario"}}
        here.create(POLICIES, policy)
        here.create(LEVELS, level)
        self._stop = threading.Event()
        self._operator: threading.Thread | None = None

    def run(self, *words: str, kubeconfig: str = "") -> Result:
        """The command line, in this process."""
        place = ["--kubeconfig", kubeconfig or self.kubeconfig, "-n", self.here.name]
        result = CliRunner().invoke(cli, [*place, *words])
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    def begin(self, *words: str) -> "subprocess.Popen[str]":
        """The command line, as a program of its own."""
        command = [sys.executable, "-m", "resilience_operator.cli", *words]
        place = ["--kubeconfig", self.kubeconfig, "-n", self.here.name]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [*command, *place],
            stdout=pipe,
            stderr=pipe,
            text=True,
            start_new_session=True,
            # Whoever runs the tests in the background has SIGINT ignored, and so would this.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def status(self, **status: Any) -> None:
        """Write the policy's status."""
        self.here.patch(POLICIES, "inventario", {"status": status}, "/status")

    def level_status(self, **status: Any) -> None:
        """Write the level's status."""
        self.here.patch(LEVELS, "inventario", {"status": status}, "/status")

    def operator(self, answer: Callable[[str], Body | None]) -> None:
        """One that takes verbs off the policy; what `answer` gives is the rollout's new status."""

        def serve() -> None:
            path = f"/apis/resilience.aidrive.dev/v1alpha1/namespaces/{self.here.name}/{POLICIES}"
            while not self._stop.wait(0.1):
                body = self.here.api.get(f"{path}/inventario")
                verb = (body["metadata"].get("annotations") or {}).get(ANNOTATION)
                if verb is None:
                    continue
                off = {"metadata": {"annotations": {ANNOTATION: None}}}
                self.here.patch(POLICIES, "inventario", off)
                rollout = answer(verb)
                if rollout is not None:
                    self.status(rollout=rollout)

        self._operator = threading.Thread(target=serve)
        self._operator.start()

    def close(self) -> None:
        """Stop the operator, if there is one."""
        self._stop.set()
        if self._operator is not None:
            self._operator.join()


@pytest.fixture
def shop(here: Namespace, control_plane: ControlPlane) -> Iterator[Shop]:
    made = Shop(here, control_plane)
    yield made
    made.close()
