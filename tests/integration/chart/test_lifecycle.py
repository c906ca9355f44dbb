"""Install, upgrade, roll back and uninstall with live policies: they stay as they are."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.cluster.controlplane import ControlPlane
from tests.integration.chart.helm import NAMESPACE, RELEASE, Body, Helm, HelmError, Kubectl
from tests.integration.custom_resources import (
    DEFINITIONS,
    Api,
    RefusedError,
    definitions,
    objects,
    wait_until_served,
)
from tests.integration.operator.harness import wait_until
from tests.integration.operator.policies import policy

PREVIOUS = Path(__file__).parent / "previous" / "resilience-operator-0.1.0.tgz"
CRDS = [one["metadata"]["name"] for one in definitions()]
POLICY: Body = policy(
    {"name": "db", "weight": 1, "probe": {"tcp": {"address": "db.shop.svc:5432"}}}
)


@pytest.fixture
def release(installer: Helm, api: Api) -> Iterator[Helm]:
    """helm, with nothing of a release left afterwards."""
    yield installer
    list_once(api)
    if RELEASE in installer.run("list", "-q", "-n", NAMESPACE):
        installer.uninstall()
    for name in CRDS:
        if exists(api, name):
            api.send("DELETE", f"{DEFINITIONS}/{name}")
    gone(api)


def exists(api: Api, name: str) -> bool:
    try:
        api.get(f"{DEFINITIONS}/{name}")
    except RefusedError as refused:
        if refused.status != 404:
            raise
        return False
    return True


def list_once(api: Api) -> None:
    """List the objects of every CRD that is there, before it is deleted.

    The API server makes a kind's storage when it is first asked for. To the finalizer of a CRD
    whose objects nobody ever asked for it is not ready, and it tries again minutes later.
    """
    for definition in definitions():
        if exists(api, definition["metadata"]["name"]):
            wait_until_served(api, definition)


def gone(api: Api) -> None:
    wait_until(lambda: not any(exists(api, name) for name in CRDS), "the CRDs are gone", 90)


def live(api: Api, namespace: str) -> Body:
    """A policy with a status, as an operator at work leaves it; as it is stored."""
    list_once(api)
    path = objects(namespace, "resiliencepolicies")
    api.send("POST", path, POLICY)
    status = {"status": {"level": "LIMITED", "health": 55}}
    merge = "application/merge-patch+json"
    return api.send("PATCH", f"{path}/inventario/status", status, content_type=merge)[0]


def stored(api: Api, namespace: str) -> Body:
    return api.get(objects(namespace, "resiliencepolicies", "inventario"))


def replicas(api: Api) -> int:
    path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{RELEASE}"
    return int(api.get(path)["spec"]["replicas"])


@pytest.fixture
def shop(cluster: ControlPlane, request: pytest.FixtureRequest) -> str:
    """A namespace for a policy."""
    name = f"shop-{abs(hash(request.node.name)) % 10**8}"
    cluster.client.create("/api/v1/namespaces", {"metadata": {"name": name}})
    return name


def test_upgrade_and_rollback_leave_policies_as_they_are(
    release: Helm, api: Api, shop: str
) -> None:
    release.install()
    before = live(api, shop)
    assert release.revision() == (1, "deployed")

    release.install({"replicas": 3, "rbac": {"secretNamespaces": [shop]}})
    assert release.revision() == (2, "deployed")
    assert replicas(api) == 3
    binding = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{shop}/rolebindings"
    assert [one["metadata"]["name"] for one in api.get(binding)["items"]] == [f"{RELEASE}-secrets"]
    assert stored(api, shop) == before

    release.run("rollback", RELEASE, "1", "-n", NAMESPACE)
    assert release.revision() == (3, "deployed")
    assert replicas(api) == 2
    assert api.get(binding)["items"] == []
    assert stored(api, shop) == before


def test_the_previous_chart_can_be_upgraded_to_this_one_and_back(
    release: Helm, api: Api, shop: str
) -> None:
    place = ("-n", NAMESPACE)
    release.run("install", RELEASE, str(PREVIOUS), *place, "--create-namespace")
    before = live(api, shop)

    release.install()

    assert release.revision() == (2, "deployed")
    wanted = {one["metadata"]["name"]: one["spec"]["versions"] for one in definitions()}
    for name in CRDS:
        found = api.get(f"{DEFINITIONS}/{name}")["spec"]["versions"]
        (now,), (ours,) = found, wanted[name]
        assert now["schema"] == ours["schema"]
    assert stored(api, shop) == before

    release.run("rollback", RELEASE, "1", *place)

    assert release.revision() == (3, "deployed")
    assert stored(api, shop) == before


def test_uninstall_with_keep_leaves_crds_and_policies_and_a_new_release_takes_them_over(
    release: Helm, api: Api, kubectl: Kubectl, shop: str
) -> None:
    release.install({"crds": {"keep": True}})
    before = live(api, shop)

    said = release.uninstall()

    assert all(f"[CustomResourceDefinition] {name}" in said for name in CRDS)
    assert all(exists(api, name) for name in CRDS)
    assert stored(api, shop) == before
    left = kubectl.output("get", "all,sa,role,rolebinding,pdb", "-n", NAMESPACE, "-o", "name")
    assert RELEASE not in left
    left = kubectl.output("get", "clusterrole,clusterrolebinding", "-o", "name")
    assert RELEASE not in left

    release.install()
    assert stored(api, shop) == before


def test_uninstall_without_keep_takes_crds_and_policies(release: Helm, api: Api, shop: str) -> None:
    release.install({"crds": {"keep": False}})
    live(api, shop)

    assert "CustomResourceDefinition" not in release.uninstall()

    gone(api)


def test_keep_can_be_given_up_before_an_uninstall(release: Helm, api: Api) -> None:
    release.install({"crds": {"keep": True}})
    release.run(
        *("upgrade", RELEASE, "charts/resilience-operator", "-n", NAMESPACE),
        *("--reset-then-reuse-values", "--set", "crds.keep=false"),
    )
    list_once(api)

    release.uninstall()

    gone(api)


def test_crds_that_somebody_else_installed_are_not_taken(
    release: Helm, api: Api, kubectl: Kubectl
) -> None:
    kubectl.output("apply", "--server-side", "-k", "crds")

    with pytest.raises(HelmError, match="cannot be imported into the current release"):
        release.install()
    release.install({"crds": {"enabled": False}})
    release.uninstall()

    assert all(exists(api, name) for name in CRDS)


def test_the_notes_name_three_commands(release: Helm, api: Api) -> None:
    notes = release.install({"metrics": {"serviceMonitor": {"enabled": True}}})

    assert f"kubectl -n {NAMESPACE} rollout status deployment/{RELEASE}" in notes
    assert "kubectl explain resiliencepolicy.spec" in notes
    assert "kubectl get resiliencepolicies,degradationlevels --all-namespaces" in notes
    assert f"--clusterrole={RELEASE}-secrets" in notes


def test_the_notes_name_each_shard(release: Helm, api: Api) -> None:
    shards = [{"name": "a", "selector": "shard=a"}, {"name": "rest", "selector": "shard!=a"}]

    notes = release.install({"shards": shards})

    for name in ("a", "rest"):
        command = f"kubectl -n {NAMESPACE} rollout status deployment/{RELEASE}-{name}"
        assert f"\n  {command}\n" in notes
