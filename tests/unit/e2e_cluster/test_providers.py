"""Which provider is chosen, and what kind is told to do (no engine here runs it)."""

import contextlib
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from e2e.cluster import cli, debian, kind, provider
from e2e.cluster.errors import ClusterError
from e2e.cluster.source import SourceProvider


@pytest.fixture(autouse=True)
def no_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/nonexistent")


def test_kind_uses_its_own_kubeconfig_name_and_image() -> None:
    cluster = kind.KindProvider("resilience-operator")

    create = cluster.create_command("/bin/kind")

    assert create[:4] == ["/bin/kind", "create", "cluster", "--name=resilience-operator"]
    assert f"--kubeconfig={cluster.kubeconfig}" in create
    assert f"--image={kind.NODE_IMAGES['1.37']}" in create
    assert f"--kubeconfig={cluster.kubeconfig}" in cluster.delete_command("kind")


def test_kind_loads_archives() -> None:
    command = kind.KindProvider("c").load_command("kind", Path("/image.tar"))

    assert command == ["kind", "load", "image-archive", "--name=c", "/image.tar"]


@pytest.mark.parametrize("minor", kind.NODE_IMAGES)
def test_every_node_image_is_pinned_by_tag_and_digest(
    minor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(kind.KUBERNETES, minor)
    tag, _, digest = kind.node_image().partition("@")

    assert tag.startswith(f"kindest/node:v{minor}.")
    assert len(digest.removeprefix("sha256:")) == 64


def test_a_kubernetes_without_an_image_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(kind.KUBERNETES, "1.20")
    with pytest.raises(ClusterError, match=r"RESILIENCE_KUBERNETES=1\.20: there are 1\.37"):
        kind.node_image()


@pytest.mark.parametrize(
    ("fails", "usable", "asked"),
    [
        ("info", False, ["info"]),
        ("run", False, ["info", "run"]),
        ("", True, ["info", "run"]),
    ],
)
def test_kind_is_usable_only_where_privileged_containers_run(
    monkeypatch: pytest.MonkeyPatch, fails: str, usable: bool, asked: list[str]
) -> None:
    commands: list[str] = []

    def run(command: Sequence[str], **_: Any) -> subprocess.CompletedProcess[bytes]:
        commands.append(command[1])
        return subprocess.CompletedProcess(command, int(command[1] == fails))

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/docker")

    assert kind.usable() is usable
    assert commands == asked


def test_kind_is_not_usable_without_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)

    assert not kind.usable()


def test_a_cluster_remembers_its_provider(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider, "cluster_folder", lambda name: tmp_path / name)
    assert provider.remembered("c") is None

    provider.remember("c", "kind")

    assert provider.remembered("c") == "kind"


def test_commands_on_a_cluster_that_is_not_there_say_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["kubeconfig"]) == 1
    assert "there is no cluster resilience-operator" in capsys.readouterr().err


def test_missing_packages_are_named_where_they_cannot_be_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(debian, "which", lambda _: None)
    monkeypatch.setattr(debian, "cni_folder", lambda: None)

    with pytest.raises(ClusterError, match=r"apt-get install .*containerd .*containernetworking"):
        debian.ensure({"containerd": "containerd"}, cni=True)


def test_what_apt_says_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "apt-get"
    program.write_text("#!/bin/sh\necho 'E: Unable to fetch some archives' >&2\nexit 100\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(debian, "services_stay_off", contextlib.nullcontext)

    with pytest.raises(ClusterError, match=r"cannot install no-such-program;.*Unable to fetch"):
        debian.ensure({"no-such-program": "package"})


def test_a_node_from_source_needs_root_before_anything_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("os.geteuid", lambda: 1000)

    with pytest.raises(ClusterError, match="needs root"):
        SourceProvider("c").up()
    assert not (tmp_path / "cache").exists()
