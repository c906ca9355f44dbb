"""Sees a change of flags arrive: in the ConfigMap by a watch, in the pods by asking them.

Times are of this machine's one clock: the arrival of the watch event here, and `readAt`, the
time at which the application's process first saw the present content of its file.
"""

import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from e2e.demo.kubectl import CommandFailed, Kubectl


@dataclass(frozen=True)
class PodAnswer:
    """What one pod says of itself at `/api/flags`."""

    pod: str
    level: str
    health: int | None
    features: dict[str, str]
    read_at: float  # epoch seconds


@dataclass
class FlagsWatch:
    """Follows one ConfigMap in a thread; `arrivals` maps a level to when its flags were seen."""

    kubectl: Kubectl
    namespace: str
    config_map: str
    arrivals: list[tuple[float, str]] = field(default_factory=list)

    def start(self) -> None:
        """Begin to follow."""
        self._process = self.kubectl.follow(
            "-n", self.namespace, "get", "configmap", self.config_map, "--watch", "-o",
            'jsonpath={.data.DEGRADATION_LEVEL}{"\\n"}',
        )  # fmt: skip
        threading.Thread(target=self._read, daemon=True).start()

    def stop(self) -> None:
        """End the watch that `start` began."""
        self._process.terminate()
        self._process.wait()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.arrivals.append((time.time(), line.strip()))

    def arrival(self, level: str, since: float) -> float | None:
        """When the flags of a level first arrived at or after `since`."""
        return next((at for at, what in self.arrivals if at >= since and what == level), None)


def ask_pods(kubectl: Kubectl, namespace: str, selector: str) -> list[PodAnswer]:
    """Ask every ready pod for its flags, through the API server's proxy."""
    pods = kubectl.get("-n", namespace, "pods", "-l", selector)["items"]
    names = [pod["metadata"]["name"] for pod in pods if _ready(pod)]
    return [_ask(kubectl, namespace, name) for name in sorted(names)]


def _ask(kubectl: Kubectl, namespace: str, pod: str) -> PodAnswer:
    path = f"/api/v1/namespaces/{namespace}/pods/{pod}:8080/proxy/api/flags"
    answer: dict[str, Any] = json.loads(kubectl.run("get", "--raw", path))
    return PodAnswer(
        pod=pod,
        level=answer["level"] or "",
        health=answer["health"],
        features=answer["features"],
        read_at=(answer["readAt"] or 0) / 1000,
    )


def _ready(pod: dict[str, Any]) -> bool:
    if pod["metadata"].get("deletionTimestamp"):
        return False
    conditions = pod.get("status", {}).get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def wait_for_level(kubectl: Kubectl, namespace: str, name: str, level: str, seconds: int) -> None:
    """Wait as a user would, with `kubectl wait`; the level need not be there yet."""
    deadline = time.monotonic() + min(seconds, 30)
    while not kubectl.run("-n", namespace, "get", "dl", name, "--ignore-not-found"):
        if time.monotonic() > deadline:
            raise CommandFailed(f"there is no DegradationLevel {name} in {namespace}")
        time.sleep(0.2)
    _wait_for(kubectl, namespace, name, f"{{.status.level}}={level}", seconds)


def wait_for_health(kubectl: Kubectl, namespace: str, name: str, health: int, seconds: int) -> None:
    """Wait until the score is exactly that."""
    _wait_for(kubectl, namespace, name, f"{{.status.health}}={health}", seconds)


def _wait_for(kubectl: Kubectl, namespace: str, name: str, what: str, seconds: int) -> None:
    try:
        kubectl.run(
            "-n", namespace, "wait", f"--for=jsonpath={what}",
            f"degradationlevel/{name}", f"--timeout={seconds}s", timeout=seconds + 10,
        )  # fmt: skip
    except CommandFailed as failure:
        now = kubectl.run("-n", namespace, "get", "rp,dl", "-o", "wide")
        raise CommandFailed(f"{failure}\nwhere it stands:\n{now}") from failure
