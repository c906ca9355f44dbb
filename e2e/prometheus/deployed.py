"""Prometheus for a kind cluster: a Deployment of the public image, and a forwarded port.

Needs a registry that the node can pull from. Machines without one cannot exercise this module;
what it scrapes and by which name pods reach it are the same as for a cluster from source.
"""

import json
from pathlib import Path
from typing import Any

from e2e.cluster.forwarding import Forward
from e2e.cluster.paths import cluster_folder
from e2e.cluster.provider import Provider
from e2e.demo.kubectl import ROOT, Kubectl
from e2e.prometheus import service
from e2e.prometheus.config import NAMESPACE, in_cluster

_IMAGE = "prom/prometheus:v3.5.0"
_PROGRAM = "prometheus-forward"
_SELECTOR = {"app.kubernetes.io/name": service.NAME}


class DeployedPrometheus:
    """Prometheus in the cluster."""

    def __init__(self, name: str, cluster: Provider, kubectl: Kubectl) -> None:
        self._kubectl = kubectl
        self._forward = Forward(cluster, _PROGRAM, NAMESPACE, service.NAME)
        self._manifest = cluster_folder(name) / "prometheus.json"

    def url(self) -> str | None:
        """Where it answers, for this machine, if it runs."""
        return self._forward.url()

    def up(self) -> str:
        """Bring it up; at once, when it is up already."""
        url = self.url()
        if url is not None:
            return url
        self._manifest.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": _all()}))
        self._apply(ROOT / "manifests" / "demo" / "namespace.yaml")
        self._apply(self._manifest)
        return self.start()

    def start(self) -> str:
        """Start it, or start it again after a `stop`, without the data of before."""
        self._scale(1)
        return self._forward.start(service.PORT, service.PORT)

    def stop(self) -> None:
        """End its pod only: its Service stays, and nobody answers there."""
        self._forward.stop()
        self._scale(0)

    def down(self) -> None:
        """Remove all of it."""
        self._forward.stop()
        if self._manifest.exists():
            self._kubectl.run("delete", "--ignore-not-found", "-f", str(self._manifest))
            self._manifest.unlink()

    def _apply(self, path: Path) -> None:
        self._kubectl.run("apply", "--server-side", "--force-conflicts", "-f", str(path))

    def _scale(self, replicas: int) -> None:
        what = f"deployment/{service.NAME}"
        self._kubectl.run("-n", NAMESPACE, "scale", what, f"--replicas={replicas}")
        self._kubectl.run("-n", NAMESPACE, "rollout", "status", what, "--timeout=300s", timeout=320)


def _all() -> list[dict[str, Any]]:
    meta = service.metadata()
    config = json.dumps(in_cluster())
    rbac = "rbac.authorization.k8s.io"
    account = {"kind": "ServiceAccount", "name": service.NAME, "namespace": NAMESPACE}
    # The operator's pods are in another namespace, hence for all of the cluster.
    cluster_wide = {"name": "prometheus-demo"}
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}]
    role = {"apiGroup": rbac, "kind": "ClusterRole", "name": cluster_wide["name"]}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta},
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRole",
            "metadata": cluster_wide,
            "rules": rules,
        },
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": cluster_wide,
            "roleRef": role,
            "subjects": [account],
        },
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": meta,
            "data": {"prometheus.yaml": config},
        },
        service.service(_SELECTOR),
        _deployment(meta),
    ]


def _deployment(meta: dict[str, Any]) -> dict[str, Any]:
    container = {
        "name": "prometheus",
        "image": _IMAGE,
        "args": ["--config.file=/etc/demo/prometheus.yaml", "--storage.tsdb.path=/data"],
        "ports": [{"name": "http", "containerPort": service.PORT}],
        "readinessProbe": {"httpGet": {"path": "/-/ready", "port": "http"}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "config", "mountPath": "/etc/demo", "readOnly": True},
            {"name": "data", "mountPath": "/data"},
        ],
    }
    pod = {
        "serviceAccountName": service.NAME,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65534,
            "fsGroup": 65534,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [
            {"name": "config", "configMap": {"name": service.NAME}},
            {"name": "data", "emptyDir": {"sizeLimit": "1Gi"}},
        ],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": meta,
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": _SELECTOR},
            "template": {"metadata": {"labels": _SELECTOR}, "spec": pod},
        },
    }
