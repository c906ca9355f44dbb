"""Versions, keys and build commands of the tools."""

import re
from pathlib import Path

import pytest

from e2e.cluster import build, golang, tools
from e2e.cluster.errors import ClusterError


@pytest.mark.parametrize("name", sorted(tools.TOOLS))
def test_every_tool_has_a_module_folder_and_a_version(name: str) -> None:
    tool = tools.lookup(name)

    assert (tool.folder / "go.mod").is_file()
    assert re.fullmatch(r"v\d+\.\d+\.\d+|local", tool.version())


def test_kubernetes_replaces_every_staging_module_by_the_same_release() -> None:
    tool = tools.lookup("kubernetes")
    text = (tool.folder / "go.mod").read_text()
    replaced = dict(re.findall(r"^\s*(k8s\.io/\S+) => \1 (v\S+)$", text, re.MULTILINE))

    assert len(replaced) == 33
    assert set(replaced.values()) == {tool.version().replace("v1.", "v0.")}


def test_key_depends_on_go_and_on_the_tool_alone() -> None:
    etcd, kind = tools.lookup("etcd"), tools.lookup("kind")

    assert etcd.key("go1.26.1") == etcd.key("go1.26.1")
    assert etcd.key("go1.26.1") != etcd.key("go1.26.2")
    assert etcd.key("go1.26.1") != kind.key("go1.26.1")
    assert etcd.key("go1.26.1").startswith(f"etcd-{etcd.version()}-")


def test_what_is_built_is_found_whatever_go_has_built_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    helm = tools.lookup("helm")
    assert build.built("helm") is None
    (tmp_path / "resilience-operator" / "bin" / "helm-v0.0.1-abc").mkdir(parents=True)
    folder = helm.cached("go1.99.9")
    folder.mkdir(parents=True)

    assert build.built("helm") == folder


def test_key_depends_on_the_files_of_the_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools, "MODULES", tmp_path)
    folder = tmp_path / "sample"
    folder.mkdir()
    (folder / "go.mod").write_text("module sample\n")
    sample = tools.Tool("sample", {"sample": "."})
    first = sample.key("go1.26.1")

    (folder / "main.go").write_text("package main\n")

    assert sample.key("go1.26.1") != first


def test_kubernetes_reports_its_version() -> None:
    flags = tools.lookup("kubernetes").ldflags()

    assert "version.gitVersion=v1." in flags
    assert "version.gitMajor=1" in flags


def test_helm_reports_its_version_and_the_kubernetes_it_was_made_for() -> None:
    tool = tools.lookup("helm")
    flags = tool.ldflags()
    minor = tool.required("k8s.io/client-go").split(".")[1]

    assert f"version.version={tool.version()} " in flags
    for package in ("lint/rules", "chartutil"):
        assert f"{package}.k8sVersionMajor=1 " in flags
        assert f"{package}.k8sVersionMinor={minor}" in flags


def test_one_binary_is_named_and_several_are_put_in_the_folder() -> None:
    go = golang.Go("go", "go1.26.1")

    assert "/out/etcd" in build.command(tools.lookup("etcd"), go, Path("/out"))
    several = build.command(tools.lookup("kubernetes"), go, Path("/out"))
    assert several[several.index("-o") + 1] == "/out/"
    assert len([word for word in several if word.startswith("k8s.io/kubernetes/cmd/")]) == 6


def test_unknown_tool_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ClusterError, match="kubernetes, etcd"):
        tools.lookup("traefik")


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("go version go1.26.8 linux/amd64", ("go1.26.8", (1, 26))),
        ("go version go1.27rc1 linux/arm64", ("go1.27rc1", (1, 27))),
        ("command not found", None),
    ],
)
def test_go_version_is_parsed(output: str, expected: object) -> None:
    assert golang.parse_version(output) == expected


def test_a_go_whose_installation_was_cut_off_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "/nonexistent")
    program = golang._home() / "bin" / "go"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho go version go1.26.6 linux/amd64\n")
    program.chmod(0o755)
    again = golang.Go("/again/go", "go1.26.6")
    monkeypatch.setattr(golang, "_install", lambda home: again)

    assert golang.find() == again

    (golang._home() / golang._COMPLETE).touch()
    assert golang.find() == golang.Go(str(program), "go1.26.6")
