"""What Prometheus scrapes: the pods of both arms, and the operator's own metrics."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAMESPACE = "retail"
NAME_LABEL = "app.kubernetes.io/name"
PORT_NAME = "http"


@dataclass(frozen=True)
class Job:
    """Pods that are scraped alike: those of one namespace, by their name label."""

    name: str
    namespace: str
    names: Sequence[str]

    @property
    def selector(self) -> str:
        """The pods, as a label selector."""
        return f"{NAME_LABEL} in ({','.join(self.names)})"

    def targets_file(self, folder: Path) -> Path:
        """Where their addresses are written for a Prometheus outside the cluster."""
        return folder / f"{self.name}-targets.json"


JOBS = (
    Job("retail", NAMESPACE, ("dashboard", "dashboard-canary")),
    Job("operator", "resilience-system", ("resilience-operator",)),
)


def from_files(folder: Path) -> dict[str, Any]:
    """The configuration of a Prometheus that is told of the pods by files in a folder."""
    return _config({
        job.name: {"file_sd_configs": [{"files": [str(job.targets_file(folder))]}]}
        for job in JOBS
    })  # fmt: skip


def in_cluster() -> dict[str, Any]:
    """The configuration of a Prometheus that is a pod itself, with the same labels."""
    return _config({job.name: _discovery(job) for job in JOBS})


def _config(discoveries: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "scrape_configs": [{"job_name": name, **one} for name, one in discoveries.items()],
    }


def _discovery(job: Job) -> dict[str, Any]:
    discovery = {
        "role": "pod",
        "namespaces": {"names": [job.namespace]},
        "selectors": [{"role": "pod", "label": job.selector}],
    }

    def label(source: str, target: str) -> dict[str, Any]:
        return {"source_labels": [f"__meta_kubernetes_{source}"], "target_label": target}

    def only(source: str, value: str) -> dict[str, Any]:
        kept = {"source_labels": [f"__meta_kubernetes_{source}"], "regex": value}
        return {**kept, "action": "keep"}

    relabel = [
        only("pod_container_port_name", PORT_NAME),
        only("pod_phase", "Running"),
        label("namespace", "namespace"),
        label("pod_name", "pod"),
        label("pod_label_app_kubernetes_io_name", "service"),
    ]
    return {"kubernetes_sd_configs": [discovery], "relabel_configs": relabel}
