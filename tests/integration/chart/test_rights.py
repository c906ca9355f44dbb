"""The operator at work with the rights and the settings of an installed release, and no others.

There is no node: the operator is a process of the test, with the service account's token and the
environment that the rendered Deployment gives it.

Each mode grants the very rights that `test_rights_used.py` proves to be needed, no matter in how
many roles; those that differ between the modes are used in each.
"""

import json
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from e2e.cluster.controlplane import ControlPlane
from e2e.rights import Comparison, Right, compare, granted, used
from tests.integration.chart.helm import RELEASE, Body, Helm, Kubectl, found
from tests.integration.custom_resources import Api, RefusedError, definitions, objects
from tests.integration.operator.harness import Dependency, OperatorProcess, wait_until
from tests.integration.operator.policies import dependency, policy
from tests.integration.operator.servers import redis_server
from tests.integration.operator.stage import ACCOUNT, HOME, installed_rights

PLACES = ("shop", "retail", "elsewhere")
PREFIX = "RESILIENCE_"
CACHE = {"redis": {"urlSecretRef": {"name": "cache", "key": "url"}}}


class Release:
    """An installed release, its operator, and policies in three namespaces."""

    def __init__(
        self, cluster: ControlPlane, api: Api, kubectl: Kubectl, helm: Helm, folder: Path, name: str
    ) -> None:
        self._cluster, self._api, self._kubectl = cluster, api, kubectl
        self._helm, self._folder = helm, folder
        self.namespace = f"{name}-system"
        self.places = {place: f"{name}-{place}" for place in PLACES}
        for namespace in self.places.values():
            cluster.client.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
        self._operator: OperatorProcess | None = None

    def run(self, values: Body) -> OperatorProcess:
        """Install it and start its operator."""
        self._helm.install(values, self.namespace)
        (deployment,) = found(self._helm.render(values), "Deployment")
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        given = {
            one["name"].removeprefix(PREFIX).lower(): one["value"]
            for one in container["env"]
            if one["name"].startswith(PREFIX)
        }
        kubeconfig = self._cluster.kubeconfig_for_service_account(self.namespace, RELEASE)
        here = {
            "kubeconfig": kubeconfig,
            "namespace": self.namespace,
            "http_host": "127.0.0.1",
            "http_port": 0,
            "guard_allow": "127.0.0.1",
        }
        self._operator = OperatorProcess("one", self._folder, **{**given, **here})
        return self._operator.start_leading()

    def put(self, place: str, redis_url: str, up: Dependency) -> None:
        """A Secret, and a policy with one dependency that needs it and one that does not."""
        namespace = self.places[place]
        secret = {"metadata": {"name": "cache"}, "stringData": {"url": redis_url}}
        self._cluster.client.create(f"/api/v1/namespaces/{namespace}/secrets", secret)
        made = policy(dependency("redis", 50, CACHE), dependency("openai", 50, up))
        path = objects(namespace, "resiliencepolicies")
        wait_until(lambda: self._sent(path, made), "the policy is taken", 30)

    def _sent(self, path: str, body: Body) -> bool:
        try:
            self._api.send("POST", path, body)
        except RefusedError as refused:
            if refused.status != 404:  # not served yet
                raise
            return False
        return True

    def status(self, place: str) -> Body:
        """The policy's status."""
        path = objects(self.places[place], "resiliencepolicies", "inventario")
        return dict(self._api.get(path).get("status", {}))

    def health(self, place: str, name: str) -> Body:
        """What the policy says of a dependency."""
        known = self.status(place).get("dependencies", [])
        return next((one for one in known if one["name"] == name), {})

    def wait_until_optimal(self, place: str) -> None:
        """Both dependencies are known and healthy, and the flags say so."""
        wait_until(
            lambda: (
                self.status(place).get("level") == "OPTIMAL"
                and self.status(place).get("scored") == "2/2"
            ),
            f"{place} is optimal with both known",
        )
        path = f"/api/v1/namespaces/{self.places[place]}/configmaps/inventario-flags"
        assert self._api.get(path)["data"]["DEGRADATION_LEVEL"] == "OPTIMAL"

    def forbidden(self) -> set[str]:
        """What the operator was not allowed, as `verb resource in namespace`."""
        user = f"system:serviceaccount:{self.namespace}:{RELEASE}"
        return {
            f"{event['verb']} {event['objectRef']['resource']} "
            f"in {event['objectRef'].get('namespace', 'all')}"
            for event in self._cluster.audit_events()
            if event["user"]["username"] == user
            and event.get("responseStatus", {}).get("code") == 403
        }

    def rights(self) -> Comparison:
        """What the service account may do by what is in the cluster, and what it has done."""
        kinds = "clusterroles,clusterrolebindings,roles,rolebindings"
        listed = self._kubectl.output("get", kinds, "--all-namespaces", "--output=json")
        return compare(
            granted(json.loads(listed)["items"], self.namespace, RELEASE),
            used(self._cluster.audit_events(), self.namespace, RELEASE),
            self.namespace,
        )

    def may(self, verb: str, resource: str, place: str) -> bool:
        """Whether the service account is allowed that."""
        user = f"system:serviceaccount:{self.namespace}:{RELEASE}"
        namespace = self.places[place]
        words = ("auth", "can-i", verb, resource, "-n", namespace, "--as", user)
        return self._kubectl.run(*words).stdout.strip() == "yes"

    def allow_secrets(self, place: str) -> None:
        """What the notes tell the owner of a namespace to do."""
        self._kubectl.output(
            *("-n", self.places[place], "create", "rolebinding", f"{RELEASE}-secrets"),
            f"--clusterrole={RELEASE}-secrets",
            f"--serviceaccount={self.namespace}:{RELEASE}",
        )

    def close(self) -> None:
        """End the operator, then the release and everything with it."""
        if self._operator is not None:
            self._operator.end()
        for namespace in self.places.values():
            for kind in ("resiliencepolicies", "degradationlevels"):
                for one in self._api.get(objects(namespace, kind))["items"]:
                    path = objects(namespace, kind, one["metadata"]["name"])
                    off = {"metadata": {"finalizers": None}}
                    merge = "application/merge-patch+json"
                    self._api.send("PATCH", path, off, content_type=merge)
        self._helm.install({"crds": {"keep": False}}, self.namespace)
        self._helm.uninstall(self.namespace)
        names = [f"crd/{one['metadata']['name']}" for one in definitions()]
        self._kubectl.output("wait", "--for=delete", *names, "--timeout=30s")


@pytest.fixture
def release(
    cluster: ControlPlane,
    api: Api,
    kubectl: Kubectl,
    installer: Helm,
    tmp_path: Path,
) -> Iterator[Release]:
    """A release that is not installed yet, in namespaces of the test's own."""
    made = Release(cluster, api, kubectl, installer, tmp_path, f"t{secrets.token_hex(4)}")
    yield made
    made.close()


@pytest.fixture
def up() -> Iterator[Dependency]:
    """A dependency that is up."""
    made = Dependency("openai")
    yield made
    made.down()


def without_places(rights: Iterable[Right]) -> set[tuple[str, str, str, str]]:
    """What may be done, wherever."""
    return {(each.group, each.resource, each.verb, each.name) for each in rights}


def assert_of_use(release: Release) -> None:
    """The rights are those that all stories together use, and the mode's own are used here."""
    found = release.rights()
    needed = without_places(granted(installed_rights(), HOME, ACCOUNT))
    assert without_places(found.rights) == needed
    assert found.unaccounted() == []
    assert found.too_wide() == []
    own = {"leases", "endpointslices", "secrets"}
    # A lease is renewed every few seconds, and the policies may have been faster.
    wait_until(
        lambda: not own & {each.resource for each in release.rights().unused()},
        f"{', '.join(sorted(own))} are used",
        30,
    )


def test_in_cluster_mode_secrets_are_read_where_it_is_allowed(
    release: Release, up: Dependency
) -> None:
    shop, retail, elsewhere = PLACES
    operator = release.run({"rbac": {"secretNamespaces": [release.places[shop]]}})
    with redis_server("pass") as redis:
        for place in PLACES:
            release.put(place, redis.url, up)

        release.wait_until_optimal(shop)
        wait_until(
            lambda: release.health(elsewhere, "redis").get("failureReason") == "SecretMissing",
            "the policy says that its Secret cannot be read",
        )
        assert "may not get the Secret" in str(release.status(elsewhere))
        wait_until(
            lambda: release.status(elsewhere).get("level") == "OPTIMAL",
            "the level is that of the dependency that is known",
        )
        assert not release.may("get", "secrets", elsewhere)
        release.allow_secrets(retail)
        release.wait_until_optimal(retail)

    assert not release.may("list", "secrets", shop)
    here = {f"get secrets in {release.places[place]}" for place in (retail, elsewhere)}
    assert release.forbidden() == here
    assert operator.said("A probe failed") == []
    assert_of_use(release)


def test_with_cluster_secrets_they_are_read_everywhere(release: Release, up: Dependency) -> None:
    release.run({"rbac": {"clusterSecrets": True}})
    with redis_server("pass") as redis:
        for place in PLACES:
            release.put(place, redis.url, up)
        for place in PLACES:
            release.wait_until_optimal(place)

    assert release.forbidden() == set()
    assert_of_use(release)


def test_namespaced_mode_needs_no_right_of_the_cluster(release: Release, up: Dependency) -> None:
    shop, retail, elsewhere = PLACES
    operator = release.run({"watchNamespaces": [release.places[shop], release.places[retail]]})
    with redis_server("pass") as redis:
        for place in PLACES:
            release.put(place, redis.url, up)
        release.wait_until_optimal(shop)
        release.wait_until_optimal(retail)

    assert operator.metric("resilience_policies") == 2
    assert release.status(elsewhere) == {}
    for verb, resource in (
        ("get", "secrets"),
        ("list", "resiliencepolicies.resilience.aidrive.dev"),
        ("patch", "configmaps"),
        ("patch", "deployments.apps"),
    ):
        assert release.may(verb, resource, shop), resource
        assert not release.may(verb, resource, elsewhere), resource
    assert release.forbidden() == set()
    assert_of_use(release)
    assert {each.namespace for each in release.rights().rights} == {
        *(release.places[place] for place in (shop, retail)),
        release.namespace,
        "default",
    }
