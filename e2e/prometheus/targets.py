"""Keeps Prometheus's target files in step with the pods: `python -m e2e.prometheus.targets …`.

Debian builds Prometheus without its Kubernetes discovery. This program takes its place beside it:
it lists the pods every second and rewrites a file when its content has changed.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

from kubernetes import client, config
from urllib3.exceptions import HTTPError

from e2e.prometheus.config import JOBS, NAME_LABEL, PORT_NAME, Job

_PAUSE_SECONDS = 1.0


def groups(pods: list[Any]) -> list[dict[str, Any]]:
    """The target groups of Prometheus's file format, one for each running pod."""
    found = []
    for pod in pods:
        ports = [
            port.container_port
            for container in pod.spec.containers
            for port in container.ports or ()
            if port.name == PORT_NAME
        ]
        if pod.status.phase != "Running" or not pod.status.pod_ip or not ports:
            continue
        labels = {
            "namespace": pod.metadata.namespace,
            "pod": pod.metadata.name,
            # Each arm's Service is called as its pods are.
            "service": pod.metadata.labels[NAME_LABEL],
        }
        found.append({"targets": [f"{pod.status.pod_ip}:{ports[0]}"], "labels": labels})
    return sorted(found, key=lambda group: str(group["labels"]["pod"]))


def _write(path: Path, text: str) -> None:
    if path.exists() and path.read_text() == text:
        return
    partial = path.with_suffix(".new")
    partial.write_text(text)
    partial.rename(path)


def _follow(api: client.CoreV1Api, job: Job, folder: Path) -> None:
    try:
        answer = api.list_namespaced_pod(
            job.namespace, label_selector=job.selector, _request_timeout=5
        )
    except (client.ApiException, HTTPError) as error:
        # The last known targets stay: an API server that is away says nothing about the pods.
        print(f"{job.name}: {error}", flush=True)
        return
    _write(job.targets_file(folder), json.dumps(groups(answer.items), indent=1) + "\n")


def main(kubeconfig: str, folder: str) -> None:
    """Follow the pods of every job until ended."""
    connect: Any = config.new_client_from_config  # the library has no types
    api = client.CoreV1Api(connect(kubeconfig))
    while True:
        for job in JOBS:
            _follow(api, job, Path(folder))
        time.sleep(_PAUSE_SECONDS)


if __name__ == "__main__":
    main(*sys.argv[1:])
