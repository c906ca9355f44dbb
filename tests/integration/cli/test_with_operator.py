"""The command line and the operator itself: levers, and a rollout paused, refused, promoted.

There is no kubelet: the test plays the Deployment controller and reports every replica as ready.
"""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from e2e.cluster.controlplane import ControlPlane
from resilience_operator.cli.app import cli
from tests.integration.custom_resources import MERGE, Api
from tests.integration.operator.harness import wait_until
from tests.integration.operator.policies import dependency, policy
from tests.integration.operator.stage import Stage

STEPS = [{"weight": 25, "holdSeconds": 600}, {"weight": 100, "holdSeconds": 600}]
ROLLOUT = {
    "stable": {"deployment": "web", "service": "web"},
    "canary": {"deployment": "web-canary", "service": "web"},
    "traffic": {"replicas": {"total": 4}},
    "steps": STEPS,
}


class Controller:
    """Reports Deployments as rolled out, but for those named in `stuck`."""

    def __init__(self, stage: Stage) -> None:
        self.stuck: set[str] = set()
        self._stage = stage
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.2):
            for each in self._stage.api.get(self._stage.path("apps/v1/deployments"))["items"]:
                self._report(each)

    def _report(self, live: dict[str, Any]) -> None:
        name, count = live["metadata"]["name"], live["spec"]["replicas"]
        ready = 0 if name in self.stuck else count
        status = {
            "observedGeneration": live["metadata"]["generation"],
            "replicas": count,
            "updatedReplicas": count,
            "readyReplicas": ready,
            "availableReplicas": ready,
        }
        if (live.get("status") or {}) != status:
            path = self._stage.path(f"apps/v1/deployments/{name}/status")
            self._stage.api.send("PATCH", path, {"status": status}, content_type=MERGE)


@pytest.fixture
def stage(control_plane: ControlPlane, api: Api, namespace: str, tmp_path: Path) -> Iterator[Stage]:
    made = Stage(control_plane, api, namespace, tmp_path)
    yield made
    made.close()


@pytest.fixture
def controller(stage: Stage) -> Iterator[Controller]:
    made = Controller(stage)
    yield made
    made.close()


class Keyboard:
    """A person at the command line, in the stage's namespace."""

    def __init__(self, stage: Stage) -> None:
        self._place = ["--kubeconfig", str(stage.control_plane.kubeconfig), "-n", stage.namespace]

    def run(self, *words: str) -> Result:
        result = CliRunner().invoke(cli, [*self._place, *words])
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    def rollout(self) -> dict[str, Any]:
        """The rollout as programs see it; empty before there is one."""
        answer = self.run("rollout", "status", "inventario", "-o", "json")
        found: dict[str, Any] = json.loads(answer.stdout) if answer.exit_code == 0 else {}
        return found


def deploy(stage: Stage, name: str, image: str, replicas: int) -> None:
    labels = {"app": "web", "track": name}
    containers = [{"name": "web", "image": image}]
    template = {"metadata": {"labels": labels}, "spec": {"containers": containers}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}
    stage.create("apps/v1/deployments", body)


def ready(stage: Stage, name: str) -> int:
    found = stage.find(f"apps/v1/deployments/{name}") or {}
    count: int = found.get("status", {}).get("readyReplicas", 0)
    return count


def test_levers_from_the_keyboard(stage: Stage) -> None:
    """What is said to hold is what the operator reports, at once."""
    stage.operator().start_leading()
    stage.apply(policy(dependency("postgres", 1, stage.dependency("postgres"))))
    stage.wait_for_level("OPTIMAL")
    made = Keyboard(stage)
    common = ("inventario", "--for", "1h", "--reason", "test", "--requested-by", "ana")

    for wanted in ("LIMITED", "MINIMAL"):  # the second one replaces the first
        forced = made.run("level", "override", *common, "--level", wanted)
        assert forced.exit_code == 0, forced.output
        assert f"is forced to {wanted}" in forced.stdout
        assert stage.level_condition("Overridden")["status"] == "True"
        assert stage.level()["status"]["level"] == wanted
    frozen = made.run("level", "freeze", *common[:-2])
    assert "is frozen at MINIMAL" in frozen.stdout, frozen.output
    assert "Its override comes first" in frozen.stdout

    released = made.run("level", "release", "inventario")

    assert released.exit_code == 0, released.output
    assert "is released from its override and freeze; the probes say OPTIMAL" in released.stdout
    assert stage.level()["status"]["level"] == "OPTIMAL"
    assert stage.level_condition("Overridden")["status"] == "False"


@pytest.fixture
def keyboard(stage: Stage, controller: Controller) -> Keyboard:
    """At a rollout whose first step is in force."""
    spec = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec}
    stage.create("v1/services", service)
    deploy(stage, "web", "web:1", 4)
    deploy(stage, "web-canary", "web:2", 0)
    stage.operator().start_leading()
    up = dependency("postgres", 1, stage.dependency("postgres"))
    stage.apply(policy(up, rollout=ROLLOUT))
    made = Keyboard(stage)
    wait_until(lambda: made.rollout().get("weight") == 25, "the first step is in force")
    return made


def test_a_rollout_from_the_keyboard(
    keyboard: Keyboard, stage: Stage, controller: Controller
) -> None:
    paused = keyboard.run("rollout", "pause", "inventario")
    assert paused.exit_code == 0, paused.output
    assert "A person paused version" in paused.stdout
    assert "is paused already" in keyboard.run("rollout", "pause", "inventario").stderr
    resumed = keyboard.run("rollout", "resume", "inventario")
    assert resumed.exit_code == 0, resumed.output

    controller.stuck.add("web-canary")
    wait_until(lambda: ready(stage, "web-canary") == 0, "its pods are not ready")
    for _ in range(2):  # the operator records the second refusal no more
        refused = keyboard.run("rollout", "promote", "inventario")
        assert refused.exit_code == 1
        assert "promote: pods of web-canary are not all ready" in refused.stderr

    controller.stuck.clear()
    wait_until(lambda: ready(stage, "web-canary") == 1, "its pods are ready")
    promoted = keyboard.run("rollout", "promote", "inventario", "--timeout", "1m")
    assert promoted.exit_code == 0, promoted.output
    assert "is the stable one and has all traffic" in promoted.stdout
    assert keyboard.rollout()["history"][-1]["result"] == "Succeeded"
    assert keyboard.run("rollout", "status", "inventario", "--watch").exit_code == 0
    refused = keyboard.run("rollout", "abort", "inventario")
    assert "No rollout of inventario is under way" in refused.stderr
