"""The manifests for kubectl alone: what the chart renders, and what a real API server takes."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e.cluster import build
from e2e.cluster.controlplane import ControlPlane
from tests.integration.chart.helm import NAMESPACE, ROOT, Body, Helm, Kubectl
from tests.integration.chart.test_accepted import pod
from tests.integration.operator.harness import wait_until
from tools.generated import out_of_date
from tools.manifestsgen import OVERLAYS, render

MANIFESTS = ROOT / "manifests"
INSTALL_PAGE = (ROOT / "docs" / "install.md").read_text()
FOLDERS: dict[str, dict[str, Any]] = {
    "base": {},
    **{f"overlays/{name}": overlay.values for name, overlay in OVERLAYS.items()},
}
SAMPLES = sorted(path.name for path in (MANIFESTS / "samples").glob("*.yaml"))
OF_HELM = ("helm.sh/chart", "app.kubernetes.io/managed-by")


def kustomized(folder: str) -> list[Body]:
    command = [build.find(["kubernetes"])["kubectl"], "kustomize", str(MANIFESTS / folder)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return list(yaml.safe_load_all(text))


def plain(objects: Iterable[Body]) -> set[str]:
    """The objects as text, without what only helm says of them, and without the namespace."""
    found = [one for one in objects if one["kind"] not in ("Namespace", "CustomResourceDefinition")]
    for one in found:
        for name in OF_HELM:
            one["metadata"]["labels"].pop(name, None)
    return {json.dumps(one, sort_keys=True) for one in found}


def test_the_files_are_in_sync() -> None:
    assert out_of_date(MANIFESTS, render()) == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_kustomize_makes_what_the_chart_renders(helm: Helm, folder: str) -> None:
    made = kustomized(folder)

    assert plain(made) == plain(helm.render(FOLDERS[folder], monitoring=False))
    assert {one["metadata"]["name"] for one in made if one["kind"] == "Namespace"} == {NAMESPACE}
    assert sum(one["kind"] == "CustomResourceDefinition" for one in made) == 2


def test_an_overlay_of_ones_own_sets_the_image(tmp_path: Path) -> None:
    """The one of docs/install.md, beside the base."""
    (text,) = re.findall(r"```yaml\n(# kustomization\.yaml\n.*?)```", INSTALL_PAGE, re.DOTALL)
    for folder in ("crds", "manifests/base"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    mine = tmp_path / "manifests" / "mine"
    mine.mkdir()
    (mine / "kustomization.yaml").write_text(text)

    (deployment,) = (one for one in kustomized(str(mine)) if one["kind"] == "Deployment")

    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "registry.example/resilience-operator:0.2.0"


def test_the_first_sample_is_the_page_s_policy() -> None:
    (text,) = re.findall(r"```yaml\n# first\.yaml\n(.*?)```", INSTALL_PAGE, re.DOTALL)
    sample = (MANIFESTS / "samples" / "first-policy.yaml").read_text()

    assert list(yaml.safe_load_all(sample)) == list(yaml.safe_load_all(text))


def test_kubectl_installs_and_removes_them(empty_cluster: ControlPlane) -> None:
    kubectl = Kubectl(build.find(["kubernetes"])["kubectl"], empty_cluster.kubeconfig)
    empty_cluster.client.create("/api/v1/namespaces", {"metadata": {"name": "shop"}})
    for folder in FOLDERS:
        kubectl.output("apply", "--server-side", "-k", f"manifests/{folder}")
        # The pod that the Deployment would make, in the namespace with the restricted level.
        assert kubectl.refuses([pod(kustomized(folder))]) == ""
    samples = [f"--filename=manifests/samples/{name}" for name in SAMPLES]
    assert len(samples) >= 4
    kinds = ("get", "resiliencepolicies,degradationlevels", "--all-namespaces")
    wait_until(lambda: kubectl.run(*kinds).returncode == 0, "the kinds are served", 30)

    kubectl.output("apply", "--server-side", "--dry-run=server", "--validate=strict", *samples)

    kubectl.output("delete", "--wait=false", "-k", "manifests/base")
    left = kubectl.output("get", "deployment,service", "-n", NAMESPACE, "-o", "name")
    assert left == ""
