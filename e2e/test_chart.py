"""The chart as a user installs, upgrades and removes it, on a real cluster, with live policies.

It takes the demo's own installation away first and leaves none behind, so it comes last. The tests
build on each other and run in the order in which they stand.
"""

import re
import subprocess
import time
import tomllib
from pathlib import Path

import pytest

from e2e.chart import idle
from e2e.chart.live import FORCED, HELD, POLICIES, WEIGHT, Live
from e2e.chart.release import CRDS, PREVIOUS, Release, untouched
from e2e.demo.deploy import NAMESPACE, apply, wait_available
from e2e.demo.helm import OPERATOR_NAMESPACE, RELEASE
from e2e.demo.kubectl import ROOT, Kubectl
from e2e.demo.watch import wait_for_level
from e2e.docs.pages import Block, read

pytestmark = pytest.mark.timeout(900)

NOT_HERE = (".venv/", "make ", "eval ")
READ_SECRETS = ("--set", f"rbac.secretNamespaces={{{NAMESPACE}}}")
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
IDLE_MIB = 128
IDLE_SECONDS = 30


@pytest.fixture(scope="module")
def release(demo: Kubectl) -> Release:
    """A cluster on which nothing of ours is installed; the demo's servers run."""
    made = Release(demo)
    remove_all(made)
    return made


@pytest.fixture(scope="module")
def live(demo: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Live:
    return Live(demo, tmp_path_factory.mktemp("live"))


def remove_all(release: Release) -> None:
    """Policies, CRDs, the release and its namespace, as far as they are there."""
    kubectl = release.kubectl
    if served(kubectl):
        if RELEASE in release.helm.run("list", "--short"):
            kubectl.run("delete", "resiliencepolicies", "--all", "-A", "--timeout=90s")
            release.change("--set", "crds.keep=false")
            release.uninstall()
        kubectl.run("delete", "crd", "--ignore-not-found", "--timeout=60s", *CRDS)
    kubectl.run("delete", "namespace", "--ignore-not-found", OPERATOR_NAMESPACE, timeout=200)


def served(kubectl: Kubectl) -> bool:
    return bool(kubectl.run("get", "crd", "--ignore-not-found", "--output=name", *CRDS))


def page_until_credentials() -> list[Block]:
    """What docs/install.md has a reader do before anything is special."""
    blocks = read("docs/install.md").of("sh", "yaml")
    end = next(n for n, block in enumerate(blocks) if "secretNamespaces" in block.text)
    return blocks[:end]


def test_with_default_values_the_first_policy_has_a_level_within_a_minute(
    release: Release, tmp_path: Path
) -> None:
    (tmp_path / "charts").symlink_to(ROOT / "charts")
    took = 0.0
    for block in page_until_credentials():
        if block.language == "yaml":
            name = re.match(r"# (\S+\.yaml)\n", block.text)
            assert name, block.where
            (tmp_path / name[1]).write_text(block.text)
            continue
        for line in block.commands():
            if line.startswith(NOT_HERE):
                continue
            if line.startswith("kubectl apply"):
                began = time.monotonic()
            give(release, line, tmp_path)
            if line.startswith("kubectl apply"):
                wait_for_level(release.kubectl, "shop", "first", "DEGRADED", 60)
                took = time.monotonic() - began
    assert 0 < took < 60
    print(f"the first policy: DEGRADED {took:.0f} s after kubectl apply")
    values = release.helm.run("get", "values", RELEASE, "--output", "json")
    assert values.strip() == "null"
    assert (
        release.kubectl.get("-n", "shop", "cm", "first-flags")["data"]["PRODUCT_SEARCH"] == "basic"
    )


def give(release: Release, line: str, folder: Path) -> None:
    """A command of the page, as it stands there."""
    done = subprocess.run(
        ["bash", "-c", line],
        env=release.kubectl.environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"


def test_with_ten_reference_policies_it_idles_below_128_mebibytes(
    release: Release, live: Live
) -> None:
    live.apply("namespaces", *idle.namespaces())
    release.change("--set", f"rbac.secretNamespaces={{{','.join(idle.PLACES)}}}")
    live.apply("idle policies", *idle.policies())
    live.until("all is known and well", lambda: idle_and_well(release), 120)
    most = dict.fromkeys(release.pods(), 0.0)
    deadline = time.monotonic() + IDLE_SECONDS
    while time.monotonic() < deadline:  # what it takes after a while is what is being tested
        for pod in most:
            most[pod] = max(most[pod], release.metric(pod, "process_resident_memory_bytes") / 2**20)
        time.sleep(1)
    leader = most[release.leader()]
    print(f"leader {leader:.0f} MiB, standby {min(most.values()):.0f} MiB")
    assert 0 < max(most.values()) < IDLE_MIB


def idle_and_well(release: Release) -> bool:
    found = release.kubectl.get("resiliencepolicies", "--all-namespaces")["items"]
    ours = [one["status"] for one in found if one["metadata"]["name"] == idle.NAME]
    well = [one for one in ours if one.get("scored") == "4/4" and one.get("health") == 100]
    return len(well) == len(idle.PLACES)


def test_the_previous_chart_is_at_work(release: Release, live: Live) -> None:
    remove_all(release)
    release.kubectl.run("delete", "namespace", "--ignore-not-found", *idle.PLACES)
    release.kubectl.run("create", "namespace", OPERATOR_NAMESPACE)
    label = "pod-security.kubernetes.io/enforce=restricted"
    release.kubectl.run("label", "namespace", OPERATOR_NAMESPACE, label)
    release.install_previous(*READ_SECRETS)
    assert release.versions() == (PREVIOUS, PREVIOUS)

    live.begin()

    assert live.standing()["levels"][HELD]["level"] == "DEGRADED"
    assert live.standing()["levels"][FORCED]["level"] == "LIMITED"
    assert live.weight == WEIGHT


def test_an_upgrade_to_this_chart_changes_nothing_by_itself(release: Release, live: Live) -> None:
    with untouched(live):
        release.upgrade(*READ_SECRETS)
        release.await_evidence()
    assert release.versions() == (VERSION, VERSION)


def test_nor_does_a_rollback(release: Release, live: Live) -> None:
    with untouched(live):
        release.rollback(1)
        release.await_evidence()
    assert release.versions() == (PREVIOUS, PREVIOUS)
    with untouched(live):
        release.upgrade(*READ_SECRETS)
        release.await_evidence()


def test_uninstalled_with_keep_all_stays_and_a_new_release_takes_it_over(
    release: Release, live: Live
) -> None:
    with untouched(live):
        said = release.uninstall()
        live.until("its pods are gone", lambda: not release.pods(), 90)
    assert all(f"[CustomResourceDefinition] {name}" in said for name in CRDS)
    with untouched(live):
        release.install(*READ_SECRETS)
        release.await_evidence()


def test_the_rollout_goes_on_once_the_dependency_is_back(release: Release, live: Live) -> None:
    release.kubectl.run("-n", NAMESPACE, "scale", "deployment/redis", "--replicas=1")
    wait_for_level(release.kubectl, NAMESPACE, HELD, "OPTIMAL", 120)
    live.until("it goes on", lambda: live.rollout["phase"] == "Progressing")
    assert live.weight == WEIGHT


def test_uninstalled_without_keep_the_policies_go_and_flags_and_weights_stay(
    release: Release, live: Live
) -> None:
    """Whoever does not delete the policies first has to take their finalizers off, as it says."""
    kubectl = release.kubectl
    release.change("--set", "crds.keep=false")
    before = live.written()
    flags = {name: live.flags(name) for name in POLICIES}

    assert "CustomResourceDefinition" not in release.uninstall()

    live.until("its pods are gone", lambda: not release.pods(), 90)
    off = """--patch={"metadata":{"finalizers":null}}"""
    kubectl.run("-n", NAMESPACE, "patch", "resiliencepolicy", *POLICIES, "--type=merge", off)
    # An API server that gave up waiting for the finalizers looks again after five minutes.
    crds = [f"crd/{name}" for name in CRDS]
    kubectl.run("wait", "--for=delete", "--timeout=360s", *crds, timeout=400)
    assert live.written() == before
    assert {name: live.flags(name) for name in POLICIES} == flags


def test_kubectl_alone_installs_it_and_deleted_policies_are_undone(
    release: Release, live: Live
) -> None:
    kubectl = release.kubectl
    kubectl.run("delete", "namespace", "shop", "--timeout=90s")
    apply(kubectl, "-k", "manifests/base")
    wait_available(kubectl, OPERATOR_NAMESPACE, (RELEASE,))
    apply(kubectl, "-f", "manifests/samples/first-policy.yaml")
    wait_for_level(kubectl, "shop", "first", "DEGRADED", 60)

    kubectl.run("delete", "resiliencepolicies", "--all", "--all-namespaces", "--timeout=90s")

    assert kubectl.get("-n", "shop", "cm", "first-flags")["data"]["PRODUCT_SEARCH"] == "on"
    kubectl.run("delete", "-k", "manifests/base", "--timeout=120s", timeout=200)
    kubectl.run("delete", "namespace", "shop", "--timeout=90s")
    assert not served(kubectl)
