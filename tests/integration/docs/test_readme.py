"""README.md word for word, on an API server of its own; and the last resort of docs/upgrading.md.

README.es.md has the same commands, which a unit test sees to.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.cluster.controlplane import ControlPlane
from e2e.docs.pages import ROOT, read
from e2e.docs.shell import typed
from tests.integration.custom_resources import Api, objects

PAGE = read("README.md")


@pytest.fixture
def empty() -> Iterator[ControlPlane]:
    """An API server without anything of ours."""
    with ControlPlane() as running:
        yield running


def run(command: str, plane: ControlPlane, path: str, folder: Path) -> str:
    done = subprocess.run(
        ["bash", "-c", command],
        env={"PATH": path, "HOME": str(folder), "KUBECONFIG": str(plane.kubeconfig)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_its_commands_and_its_policy(empty: ControlPlane, path: str, tmp_path: Path) -> None:
    (tmp_path / "charts").symlink_to(ROOT / "charts")
    (policy,) = PAGE.of("yaml")
    (tmp_path / "shop.yaml").write_text(policy.text)
    commands = [line for block in PAGE.of("sh", "console") for line in typed(block)]
    # What make does is what CI is made of.
    listed = [line for line in commands if not line.startswith("make ")]

    said = ""
    for command in listed:
        if "apply" in command:
            run("kubectl wait --for=condition=Established crd --all", empty, path, tmp_path)
            command = f"until {command} --dry-run=server; do sleep 0.2; done; {command}"
        said += run(command, empty, path, tmp_path)

    assert len(listed) == 4
    assert "STATUS: deployed" in said
    assert "resiliencepolicy.resilience.aidrive.dev/shop created" in said


def test_a_policy_that_was_left_behind_is_let_go(
    api: Api, control_plane: ControlPlane, namespace: str, path: str, tmp_path: Path
) -> None:
    (command,) = (one for one in read("docs/upgrading.md").spans if "finalizers" in one)
    body = {
        "apiVersion": "resilience.aidrive.dev/v1alpha1",
        "kind": "ResiliencePolicy",
        "metadata": {"name": "left", "finalizers": ["resilience.aidrive.dev/restore"]},
        "spec": {
            "dependencies": [{"name": "db", "weight": 1, "probe": {"tcp": {"address": "db:5432"}}}]
        },
    }
    api.send("POST", objects(namespace, "resiliencepolicies"), body)
    api.send("DELETE", objects(namespace, "resiliencepolicies", "left"))
    path_of = objects(namespace, "resiliencepolicies", "left")
    assert api.get(path_of)["metadata"]["deletionTimestamp"]

    words = command.replace("NAMESPACE", namespace).replace("POLICY", "left")
    run(words, control_plane, path, tmp_path)

    assert api.get(objects(namespace, "resiliencepolicies"))["items"] == []
