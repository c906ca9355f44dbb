"""The whole drill with this repository's cluster and the demo on it: lost, and built anew."""

import time
from pathlib import Path

from e2e.demo.deploy import Steps, build_cluster, install_operator, remove, wait_available
from e2e.demo.helm import OPERATOR_NAMESPACE, RELEASE
from e2e.demo.kubectl import ROOT, Kubectl, cluster_environment
from e2e.drill.exporting import export
from e2e.drill.restoring import Restoration, Restored

SECRETS = ROOT / "manifests" / "demo" / "secrets.yaml"


def rebuild(name: str, provider: str, folder: Path) -> tuple[Restored, dict[str, float], float]:
    """Export, destroy, build, restore: how it went, the new cluster's seconds, the export's age."""
    taken = export(Kubectl(cluster_environment(name)), folder)
    remove(name)
    age = time.time() - taken.taken_at
    began = time.monotonic()
    step = Steps(print)
    kubectl, archives = build_cluster(name, provider, step)
    step.done()
    before = {"new cluster, with its images": time.monotonic() - began}

    def install() -> None:
        install_operator(kubectl, archives["operator"].name)
        wait_available(kubectl, OPERATOR_NAMESPACE, (RELEASE,))

    done = Restored()
    Restoration(kubectl, taken, install, (SECRETS,)).run(done)
    return done, before, age
