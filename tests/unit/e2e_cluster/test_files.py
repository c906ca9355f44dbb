"""The files that the programs read: mount table, image archives, kubeconfigs, configuration."""

import hashlib
import json
import ssl
import subprocess
import tarfile
from pathlib import Path

import pytest

from e2e.cluster import cgroups, images, mounts, node, paths, runtime
from e2e.cluster.controlplane import Audit, audit_policy
from e2e.cluster.errors import ClusterError
from e2e.cluster.pki import Authority, KeyPair, write_kubeconfig

MOUNTINFO = r"""
22 1 0:5 / /proc rw shared:2 - proc proc rw
30 22 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu
31 22 0:27 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids
32 22 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
33 22 0:29 / /with\040space rw - tmpfs tmpfs rw
""".strip()


def test_mount_points_are_unescaped() -> None:
    assert mounts.parse(MOUNTINFO)[-1].point == Path("/with space")


def test_version_one_hierarchies_win_and_membership_is_kept_in_pids() -> None:
    found = cgroups.hierarchies(mounts.parse(MOUNTINFO))

    assert found == [Path("/sys/fs/cgroup/pids"), Path("/sys/fs/cgroup/cpu")]


def test_the_unified_hierarchy_alone_is_used_where_there_is_no_other() -> None:
    table = [one for one in mounts.parse(MOUNTINFO) if one.kind != "cgroup"]

    assert cgroups.hierarchies(table) == [Path("/sys/fs/cgroup/unified")]


def test_a_control_group_goes_from_hierarchies_that_it_was_not_made_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = [
        mounts.Mount(tmp_path / "cpu", "cgroup", frozenset({"cpu"})),
        mounts.Mount(tmp_path / "unified", "cgroup2", frozenset()),
    ]
    for mount in table:
        mount.point.mkdir()
    monkeypatch.setattr(mounts, "table", lambda: table)
    group = cgroups.ControlGroup("shop")
    group.create()
    assert group.members() == set()
    # As runc does, beside the hierarchies of version 1.
    (tmp_path / "unified" / "shop" / "kubepods" / "pod1").mkdir(parents=True)

    group.remove()

    assert not list(tmp_path.glob("*/shop"))


def test_an_image_archive_is_what_docker_save_writes(tmp_path: Path) -> None:
    program = tmp_path / "pause"
    program.write_bytes(b"program")
    archive = tmp_path / "image.tar"

    images.write_archive(archive, reference="localhost/pause:1", program=program)

    with tarfile.open(archive) as image:

        def content(name: str) -> bytes:
            member = image.extractfile(name)
            assert member is not None
            return member.read()

        (manifest,) = json.loads(content("manifest.json"))
        config = json.loads(content(manifest["Config"]))
        layer = content(manifest["Layers"][0])
    assert manifest["RepoTags"] == ["localhost/pause:1"]
    assert config["config"]["Entrypoint"] == ["/pause"]
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}"]


def test_certificates_are_of_their_subject_and_authority(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.issue("server", "system:a/b", ["one", "two"], ["localhost", "127.0.0.1"])

    context = ssl.create_default_context(cafile=authority.root.certificate)
    context.load_cert_chain(pair.certificate, pair.key)
    show = ["openssl", "x509", "-in", str(pair.certificate), "-noout", "-subject", "-issuer"]
    text = subprocess.run(
        [*show, "-ext", "subjectAltName,basicConstraints", "-nameopt", "RFC2253"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "subject=CN=system:a/b,O=two,O=one\n" in text
    assert "issuer=CN=resilience-operator-e2e\n" in text
    assert "DNS:localhost, IP Address:127.0.0.1" in text
    assert "CA:FALSE" in text


def test_a_kubeconfig_stands_alone_and_is_private(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "pki")
    path = write_kubeconfig(
        tmp_path / "kubeconfig",
        cluster="c",
        server="https://127.0.0.1:1",
        authority=authority,
        credential="a-token",
    )

    assert path.stat().st_mode & 0o077 == 0
    config = json.loads(path.read_text())
    assert config["users"] == [{"name": "c", "user": {"token": "a-token"}}]
    assert str(tmp_path) not in path.read_text()


def test_audit_policy_leaves_reads_out_only_when_asked() -> None:
    assert audit_policy(Audit.ALL)["rules"] == [{"level": "Metadata"}]
    assert audit_policy(Audit.WRITES)["rules"][0]["verbs"] == ["get", "list", "watch"]
    first, *rest = audit_policy(Audit.ACCOUNTS)["rules"]
    assert first == {"level": "Metadata", "userGroups": ["system:serviceaccounts"]}
    assert rest == audit_policy(Audit.WRITES)["rules"]


def test_everything_of_the_runtime_is_below_the_clusters_folder() -> None:
    folder = Path("/state/clusters/c")

    config = runtime.containerd_config(folder, "/usr/lib/cni")

    values = [line.split(" = ")[1] for line in config.splitlines() if ' = "/' in line]
    assert [one for one in values if not one.startswith(f'"{folder}/')] == ['"/usr/lib/cni"']
    bridge = json.loads(runtime.cni_config(folder))["plugins"][0]
    assert bridge["ipam"]["dataDir"].startswith(f"{folder}/")


def test_the_kubelet_syncs_config_maps_as_in_any_cluster() -> None:
    pair = KeyPair(Path("/c.crt"), Path("/c.key"))

    config = node.kubelet_config(Path("/state"), "unix:///s", pair, pair, "/group")

    assert "syncFrequency" not in config
    assert config["cgroupRoot"] == "/group"


def test_dns_forwards_only_where_there_is_somebody_to_ask() -> None:
    assert "forward" not in node.dns_config(Path("/k"), 1, [])
    assert "forward . 192.0.2.1\n" in node.dns_config(Path("/k"), 1, ["192.0.2.1"])


@pytest.mark.parametrize("name", ["", "UPPER", "../up", "a" * 41, "-a"])
def test_bad_cluster_names_are_refused(name: str) -> None:
    with pytest.raises(ClusterError):
        paths.cluster_folder(name)


def test_a_folder_that_is_too_deep_for_sockets_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/" + "deep/" * 20)

    with pytest.raises(ClusterError, match="XDG_STATE_HOME"):
        paths.cluster_folder("c")
