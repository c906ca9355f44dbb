"""Live policies on the demo's cluster: one with a rollout held by an outage, one overridden.

The rollout is by a canary Ingress, whose weight is an object of the API: no gateway is needed.
"""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from e2e.demo.deploy import NAMESPACE, apply, wait_available
from e2e.demo.kubectl import ROOT, CommandFailed, Kubectl
from e2e.demo.watch import wait_for_level

STABLE, CANARY = "dashboard", "dashboard-canary"
HELD, FORCED = "inventario", "stock"
POLICIES = (HELD, FORCED)
WEIGHT = 25

Body = dict[str, Any]

_LONG = 3600
_ROLLOUT: Body = {
    "stable": {"deployment": STABLE, "service": STABLE},
    "canary": {"deployment": CANARY, "service": CANARY},
    "traffic": {"ingressNginx": {"ingress": STABLE}},
    "steps": [
        {"weight": WEIGHT, "holdSeconds": _LONG},
        {"weight": 100, "holdSeconds": _LONG},
    ],
    "gate": {"minLevel": "OPTIMAL", "maxHoldSeconds": _LONG},
}
_INGRESS: Body = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "Ingress",
    "metadata": {"name": STABLE, "namespace": NAMESPACE},
    "spec": {
        "ingressClassName": "nginx",
        "rules": [
            {
                "host": "inventario.example",
                "http": {
                    "paths": [
                        {
                            "path": "/",
                            "pathType": "Prefix",
                            "backend": {"service": {"name": STABLE, "port": {"number": 80}}},
                        }
                    ]
                },
            }
        ],
    },
}


def reference(name: str, dependencies: tuple[str, ...] = ()) -> Body:
    """The demo's policy under another name, with these dependencies or all, for no pods."""
    found: Body = yaml.safe_load((ROOT / "manifests/demo/policy.yaml").read_text())
    found["metadata"]["name"] = name
    spec = found["spec"]
    del spec["targets"]
    spec["flags"]["configMapName"] = f"{name}-flags"
    if dependencies:
        spec["dependencies"] = [d for d in spec["dependencies"] if d["name"] in dependencies]
        known = set(dependencies)
        spec["features"] = [f for f in spec["features"] if known >= set(f.get("requires", ()))]
    return found


class Live:
    """The policies, and what must not change by itself."""

    def __init__(self, kubectl: Kubectl, folder: Path) -> None:
        self._kubectl = kubectl
        self._folder = folder

    def begin(self) -> None:
        """Both policies as the tests want them; Redis is down afterwards."""
        self.apply("ingress", _INGRESS)
        self._run("apply", "--server-side", "-f", "manifests/demo-rollout/dashboard-canary.yaml")
        wait_available(self._kubectl, NAMESPACE, (STABLE, CANARY))
        held = reference(HELD)
        held["spec"]["targets"] = [{"name": STABLE}, {"name": CANARY}]
        held["spec"]["rollout"] = _ROLLOUT
        self.apply("policies", held, reference(FORCED, ("openai", "postgres")))
        for name in POLICIES:
            wait_for_level(self._kubectl, NAMESPACE, name, "OPTIMAL", 90)
        self._force()
        self.until("version 1 is the stable one", lambda: self.rollout["phase"] == "Idle")
        self._run("set", "env", f"deployment/{CANARY}", f"VERSION=v{time.time():.0f}")
        self.until("the canary has its weight", lambda: self.weight == WEIGHT)
        self._run("scale", "deployment/redis", "--replicas=0")
        wait_for_level(self._kubectl, NAMESPACE, HELD, "DEGRADED", 60)
        self.until("the rollout is held", lambda: self.rollout["phase"] == "Held")
        assert self.rollout["attribution"] == "DependencyFault"

    def apply(self, name: str, *manifests: Body) -> None:
        """Apply objects, again while a kind just defined is not served yet."""
        file = self._folder / f"{name}.json"
        items = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
        file.write_text(json.dumps(items))
        apply(self._kubectl, "-f", str(file))

    def _force(self) -> None:
        expires = datetime.now(UTC) + timedelta(seconds=_LONG)
        override = {
            "level": "LIMITED",
            "reason": "game day",
            "requestedBy": "ana",
            "expiresAt": f"{expires:%Y-%m-%dT%H:%M:%SZ}",
        }
        patch = json.dumps({"spec": {"override": override}})
        self._run("patch", "dl", FORCED, "--type=merge", f"--patch={patch}")
        wait_for_level(self._kubectl, NAMESPACE, FORCED, "LIMITED", 30)

    @property
    def rollout(self) -> Body:
        """`status.rollout` of the policy that has one."""
        found: Body = self._get("rp", HELD)["status"]["rollout"]
        return found

    @property
    def weight(self) -> int:
        """What the canary Ingress says."""
        annotations = self._get("ingress", f"{STABLE}-canary")["metadata"]["annotations"]
        return int(annotations["nginx.ingress.kubernetes.io/canary-weight"])

    def flags(self, name: str) -> dict[str, str]:
        """The data of a policy's ConfigMap."""
        found: dict[str, str] = self._get("configmap", f"{name}-flags")["data"]
        return found

    def written(self) -> Body:
        """Flags, weights and workloads by version: equal when nobody wrote them in between."""
        objects = [
            *(("configmap", f"{name}-flags") for name in POLICIES),
            *(("ingress", name) for name in (STABLE, f"{STABLE}-canary")),
        ]
        versions = {
            f"{kind} {name}": self._get(kind, name)["metadata"]["resourceVersion"]
            for kind, name in objects
        }
        # The status of a Deployment moves with its pods; the generation counts changes of the spec.
        generations = {
            name: self._get("deployment", name)["metadata"]["generation"]
            for name in (STABLE, CANARY)
        }
        return {**versions, **generations}

    def standing(self) -> Body:
        """Where the levels and the rollout stand, and since when."""
        fields = ("level", "since", "transitions", "features")
        levels = {name: self._get("dl", name)["status"] for name in POLICIES}
        rollout = {key: self.rollout.get(key) for key in ("phase", "step", "weight", "attribution")}
        return {
            "levels": {n: {f: s.get(f) for f in fields} for n, s in levels.items()},
            "rollout": rollout,
        }

    def until(self, what: str, holds: Callable[[], bool], seconds: float = 60) -> None:
        """Wait for it."""
        deadline = time.monotonic() + seconds
        while not _is(holds):
            if time.monotonic() > deadline:
                now = self._run("get", "rp", HELD, "--ignore-not-found", "-o=jsonpath={.status}")
                raise AssertionError(f"not within {seconds:.0f} s: {what}; {HELD}: {now}")
            time.sleep(0.3)

    def _get(self, kind: str, name: str) -> Body:
        found: Body = self._kubectl.get("-n", NAMESPACE, kind, name)
        return found

    def _run(self, *arguments: str) -> str:
        return self._kubectl.run("-n", NAMESPACE, *arguments)


def _is(holds: Callable[[], bool]) -> bool:
    try:
        return holds()
    except (KeyError, CommandFailed):
        return False  # not there yet
