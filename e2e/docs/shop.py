"""What the pages speak of, on a cluster: a policy `shop` in a namespace `shop`, with a rollout.

Its dependencies are servers of the demo. Replicas are the weights, so that no gateway is needed.
"""

import itertools
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from e2e.demo.deploy import NAMESPACE as DEMO
from e2e.demo.kubectl import CommandFailed, Kubectl

NAME = NAMESPACE = "shop"
STABLE, CANARY = "web", "web-canary"

Body = dict[str, Any]

_OFTEN = {"intervalSeconds": 2, "timeoutSeconds": 2}
_DEPENDENCIES = [
    {
        "name": "redis",
        "weight": 60,
        "probe": {**_OFTEN, "tcp": {"address": f"redis.{DEMO}.svc:6379"}},
    },
    {
        "name": "page",
        "weight": 40,
        "probe": {**_OFTEN, "http": {"url": f"http://dashboard.{DEMO}.svc/healthz"}},
    },
]
_FEATURES = [
    {"name": "search", "states": {"OPTIMAL": "on", "MINIMAL": "off"}, "requires": ["redis"]},
    {"name": "checkout", "states": {"OPTIMAL": "on", "MINIMAL": "queued"}},
]
_ROLLOUT = {
    "stable": {"deployment": STABLE, "service": STABLE},
    "canary": {"deployment": CANARY, "service": STABLE},
    "traffic": {"replicas": {"total": 2}},
    "steps": [{"weight": 50, "holdSeconds": 3600}, {"weight": 100, "holdSeconds": 3600}],
}
_POLICY = {
    "targets": [{"name": STABLE}, {"name": CANARY}],
    "dependencies": _DEPENDENCIES,
    "stabilization": {"recoverAfterSeconds": 1, "maxRecoverAfterSeconds": 1},
    "features": _FEATURES,
    "rollout": _ROLLOUT,
}
_SERVICE = {"selector": {"part-of": NAME}, "ports": [{"port": 80, "targetPort": 8080}]}


class Shop:
    """The namespace with all in it. What a command needs is made true before it is run."""

    def __init__(self, kubectl: Kubectl) -> None:
        self.kubectl = kubectl
        self._versions = itertools.count(2)

    def open(self, folder: Path) -> None:
        """Everything at version 1, at OPTIMAL."""
        pod = self._get("deployment", "dashboard", DEMO)["spec"]["template"]["spec"]
        items = list(_manifests(pod["containers"][0]["image"]))
        file = folder / "shop.json"
        file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
        self.kubectl.run("apply", "--server-side", "-f", str(file))
        self.until("the level is OPTIMAL", lambda: self.policy["status"]["level"] == "OPTIMAL")
        self.until("nothing is to be rolled out", lambda: self.phase == "Idle")

    @property
    def policy(self) -> Body:
        """The policy."""
        return self._get("resiliencepolicy", NAME)

    @property
    def flags(self) -> dict[str, str]:
        """The data of the ConfigMap of flags."""
        found: dict[str, str] = self._get("configmap", f"{NAME}-flags")["data"]
        return found

    @property
    def phase(self) -> str:
        """What the rollout is doing."""
        return str(self.policy["status"].get("rollout", {}).get("phase", ""))

    def prepare(self, verb: str) -> None:
        """Have the rollout where a verb can be obeyed."""
        wanted = {"resume": "Paused", "retry": "RolledBack"}.get(verb, "Progressing")
        while (phase := self.phase) != wanted:
            if phase == "Progressing":
                self._ask("pause" if wanted == "Paused" else "abort")
            elif phase == "Paused":
                self._ask("resume" if wanted == "Progressing" else "abort")
            elif phase == "RolledBack":
                self._ask("retry")
            elif phase in ("Idle", "Succeeded"):
                self._release()
            self.until("the rollout moves", lambda before=phase: self.phase != before)  # type: ignore[misc]
        if verb == "promote":
            self.until("the canary is ready", self._canary_is_ready)

    def _canary_is_ready(self) -> bool:
        canary = self._get("deployment", CANARY)
        wanted, status = canary["spec"]["replicas"], canary["status"]
        seen = status["observedGeneration"] == canary["metadata"]["generation"]
        return bool(seen and wanted == status["updatedReplicas"] == status["readyReplicas"])

    def _release(self) -> None:
        value = f"VERSION=v{next(self._versions)}"
        self.kubectl.run("-n", NAMESPACE, "set", "env", f"deployment/{CANARY}", value)

    def _ask(self, verb: str) -> None:
        mark = f"resilience.aidrive.dev/rollout={verb}"
        self.kubectl.run("-n", NAMESPACE, "annotate", "--overwrite", "resiliencepolicy", NAME, mark)

    def _get(self, kind: str, name: str, namespace: str = NAMESPACE) -> Body:
        found: Body = self.kubectl.get("-n", namespace, kind, name)
        return found

    def until(self, what: str, holds: Callable[[], bool], seconds: float = 90) -> None:
        """Wait for it; AssertionError with the policy's status if it does not come."""
        deadline = time.monotonic() + seconds
        while not _is(holds):
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {seconds:.0f} s: {what}; {self.policy['status']}")
            time.sleep(0.5)


def _is(holds: Callable[[], bool]) -> bool:
    try:
        return holds()
    except (KeyError, CommandFailed):
        return False  # not written yet


def _manifests(image: str) -> Iterator[Body]:
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    yield _object("resilience.aidrive.dev/v1alpha1", "ResiliencePolicy", NAME, _POLICY)
    yield _object("v1", "Service", STABLE, _SERVICE)
    for name in (STABLE, CANARY):
        yield _object("apps/v1", "Deployment", name, _deployment(name, image))


def _object(api_version: str, kind: str, name: str, spec: Body) -> Body:
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}


def _deployment(name: str, image: str) -> Body:
    container = {
        "name": "web",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "env": [{"name": "VERSION", "value": "v1"}],
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 1},
        "volumeMounts": [{"name": "flags", "mountPath": "/etc/flags"}],
    }
    flags = {"name": "flags", "configMap": {"name": f"{NAME}-flags", "optional": True}}
    pod = {"containers": [container], "volumes": [flags], "terminationGracePeriodSeconds": 1}
    labels = {"name": name, "part-of": NAME}
    return {
        "selector": {"matchLabels": {"name": name}},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
