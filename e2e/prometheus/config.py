"""What Prometheus scrapes: the pods of both arms, and the operator's own metrics."""

from pathlib import Path
from typing import Any

NAMESPACE = "retail"
ARMS = ("dashboard", "dashboard-canary")
_OPERATOR = "resilience-operator"
_OPERATOR_NAMESPACE = "resilience-system"
_NAME_LABEL = "app.kubernetes.io/name"
_PORT_NAME = "http"


def scrape_config(kubeconfig: Path | None) -> dict[str, Any]:
    """Prometheus's configuration; without a kubeconfig, for a Prometheus that runs as a pod."""
    return {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "scrape_configs": [
            _pods("retail", NAMESPACE, ARMS, kubeconfig),
            _pods("operator", _OPERATOR_NAMESPACE, (_OPERATOR,), kubeconfig),
        ],
    }


def _pods(
    job: str, namespace: str, names: tuple[str, ...], kubeconfig: Path | None
) -> dict[str, Any]:
    discovery: dict[str, Any] = {
        "role": "pod",
        "namespaces": {"names": [namespace]},
        "selectors": [{"role": "pod", "label": f"{_NAME_LABEL} in ({','.join(names)})"}],
    }
    if kubeconfig is not None:
        discovery["kubeconfig_file"] = str(kubeconfig)

    def label(source: str, target: str) -> dict[str, Any]:
        return {"source_labels": [f"__meta_kubernetes_{source}"], "target_label": target}

    def only(source: str, pattern: str) -> dict[str, Any]:
        return {
            "source_labels": [f"__meta_kubernetes_{source}"],
            "regex": pattern,
            "action": "keep",
        }

    return {
        "job_name": job,
        "kubernetes_sd_configs": [discovery],
        "relabel_configs": [
            only("pod_container_port_name", _PORT_NAME),
            only("pod_phase", "Running"),
            label("namespace", "namespace"),
            label("pod_name", "pod"),
            # Each arm's Service is called as its pods are.
            label("pod_label_app_kubernetes_io_name", "service"),
        ],
    }
