"""Deployments and pods as the API server would show them."""

from typing import Any

OWNED = [{"kind": "ReplicaSet", "name": "rs", "uid": "u", "controller": True}]
MOUNTED: dict[str, Any] = {
    "volumes": [{"name": "flags", "configMap": {"name": "inventario-flags"}}],
    "containers": [{"name": "app", "volumeMounts": [{"name": "flags", "mountPath": "/flags"}]}],
}


def make_deployment(
    name: str = "dashboard",
    *,
    labels: dict[str, str] | None = None,
    pod_spec: dict[str, Any] | None = None,
) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": labels or {"app": name}},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": MOUNTED if pod_spec is None else pod_spec,
            },
        },
    }


def make_pod(
    name: str, *, app: str = "dashboard", status: dict[str, Any] | None = None, **metadata: Any
) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": {"app": app}, "ownerReferences": OWNED, **metadata},
        "status": status or {"phase": "Running"},
    }
