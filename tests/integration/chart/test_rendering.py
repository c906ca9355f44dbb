"""What the chart renders: rights, settings, and what each option adds or leaves out."""

from collections.abc import Iterable
from typing import Any

import pytest
import yaml

from resilience_operator.settings import Settings, load
from tests.integration.chart.helm import (
    CHART,
    KINDS_OF_MONITORING,
    NAMESPACE,
    ROOT,
    Body,
    Helm,
    found,
    the,
)
from tests.integration.chart.matrix import GROUP, OPTIONS
from tests.integration.custom_resources import definitions

# Settings that other values give, or the pod itself.
ELSEWHERE = {
    *("identity", "namespace", "watch_namespaces"),
    *("policy_selector", "otlp_endpoint", "trace_ratio"),
}
CLUSTER_WIDE = {"CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding"}


def container(objects: list[Body], name: str = "resilience-operator") -> Body:
    (only,) = the(objects, "Deployment", name)["spec"]["template"]["spec"]["containers"]
    return dict(only)


def variables(objects: list[Body], name: str = "resilience-operator") -> dict[str, str]:
    """The environment of the container, as a pod of it would have it."""
    given = {one["name"]: one.get("value", "") for one in container(objects, name)["env"]}
    return {**given, "POD_NAME": "pod-1", "POD_NAMESPACE": NAMESPACE}


Rule = tuple[tuple[str, ...], ...]


def rules(roles: Iterable[Body]) -> set[Rule]:
    """The rules of some roles, without order."""
    parts = ("apiGroups", "resources", "resourceNames", "verbs")
    return {
        tuple(tuple(sorted(rule.get(part, ()))) for part in parts)
        for role in roles
        for rule in role["rules"]
    }


def without_aggregates(objects: list[Body]) -> list[Body]:
    ends = ("-view", "-edit", "-admin")
    return [one for one in objects if not one["metadata"]["name"].endswith(ends)]


@pytest.mark.parametrize("name", OPTIONS)
def test_every_object_says_whose_it_is_and_where(helm: Helm, name: str) -> None:
    for one in helm.render(OPTIONS[name]):
        if one["metadata"]["name"] == "extra" or one["metadata"]["name"].endswith("-more"):
            continue  # given by whoever installs
        labels = one["metadata"]["labels"]
        assert labels["app.kubernetes.io/managed-by"] == "Helm"
        assert labels["app.kubernetes.io/part-of"] == "resilience-operator"
        assert ("namespace" in one["metadata"]) == (one["kind"] not in CLUSTER_WIDE), one["kind"]


@pytest.mark.parametrize("name", OPTIONS)
def test_the_operator_takes_the_settings(helm: Helm, name: str) -> None:
    objects = helm.render(OPTIONS[name])
    for deployment in found(objects, "Deployment"):
        settings = load(variables(objects, deployment["metadata"]["name"]))

        assert list(settings.watch_namespaces) == OPTIONS[name].get("watchNamespaces", [])


def test_default_settings_are_the_operators_own(helm: Helm) -> None:
    settings = load(variables(helm.render()))

    assert settings == Settings(identity="pod-1", namespace=NAMESPACE)


def test_every_setting_arrives(helm: Helm) -> None:
    settings = load(variables(helm.render(OPTIONS["settings"])))

    plain = settings.model_dump(mode="json", exclude=ELSEWHERE)
    assert plain == {
        "log_level": "DEBUG",
        "log_format": "plain",
        "guard_allow": ["10.0.0.0/8", "fd00::/8"],
        "guard_deny": ["192.0.2.0/24"],
        "control_probe": "dns.example:53",
        "max_probes_in_flight": 100000,
        "workers": 16,
        "write_qps": 12.5,
        "write_burst": 10000,
        "resync_seconds": 86400,
        "lease_name": "levels",
        "lease_duration_seconds": 30,
        "lease_renew_seconds": 20.5,
        "lease_retry_seconds": 0.5,
        "http_host": "::",
        "http_port": 9090,
        "kubeconfig": "/etc/operator/kubeconfig",
    }


def test_by_default_no_secret_can_be_read(helm: Helm) -> None:
    objects = helm.render()
    bound = {
        one["roleRef"]["name"]
        for kind in ("ClusterRoleBinding", "RoleBinding")
        for one in found(objects, kind)
    }

    assert bound == {"resilience-operator", "resilience-operator-leader"}
    granted = [one for one in objects if one["metadata"]["name"] in bound and "rules" in one]
    assert not [rule for rule in rules(granted) if "secrets" in rule[1]]


def test_secrets_of_the_named_namespaces_can_be_read(helm: Helm) -> None:
    objects = helm.render(OPTIONS["Secrets of two namespaces"])
    bindings = found(objects, "RoleBinding", "resilience-operator-secrets")

    assert [one["metadata"]["namespace"] for one in bindings] == ["shop", "retail"]
    for binding in bindings:
        assert binding["roleRef"]["kind"] == "ClusterRole"
        assert binding["roleRef"]["name"] == "resilience-operator-secrets"
        (subject,) = binding["subjects"]
        assert (subject["name"], subject["namespace"]) == ("resilience-operator", NAMESPACE)


def test_in_namespaced_mode_nothing_is_granted_everywhere(helm: Helm) -> None:
    objects = helm.render(OPTIONS["namespaced"])
    roles = found(objects, "Role", "resilience-operator")

    assert without_aggregates(found(objects, "ClusterRole")) == []
    assert found(objects, "ClusterRoleBinding") == []
    assert [one["metadata"]["namespace"] for one in roles] == ["shop", "retail"]
    (server,) = found(objects, "Role", "resilience-operator-api-server")
    assert server["metadata"]["namespace"] == "default"
    in_cluster_mode = rules(without_aggregates(found(helm.render(), "ClusterRole")))
    for role in roles:
        assert rules([role, server]) == in_cluster_mode


def test_people_get_the_two_kinds_by_the_clusters_own_roles(helm: Helm) -> None:
    for name, verbs in {
        "view": {"get", "list", "watch"},
        "edit": {"create", "update", "patch", "delete"},
        "admin": {"deletecollection"},
    }.items():
        role = the(helm.render(), "ClusterRole", f"resilience-operator-{name}")
        assert (
            role["metadata"]["labels"][f"rbac.authorization.k8s.io/aggregate-to-{name}"] == "true"
        )
        (rule,) = role["rules"]
        assert set(rule["verbs"]) == verbs
        assert set(rule["resources"]) == {"resiliencepolicies", "degradationlevels"}


def without_duplicates(loader: yaml.SafeLoader, node: yaml.MappingNode) -> Body:
    """A mapping, if no key is there twice: kustomize refuses that, and so Flux."""
    keys = [key.value for key, _ in node.value]
    assert len(set(keys)) == len(keys), sorted(keys)
    return dict(loader.construct_mapping(node, deep=True))


class Strictly(yaml.SafeLoader):
    """Reads YAML as kustomize does."""


Strictly.add_constructor("tag:yaml.org,2002:map", without_duplicates)


def test_a_label_that_is_given_twice_is_there_once_with_the_nearer_value(helm: Helm) -> None:
    near = {"labels": {"team": "near"}}
    values: Body = {
        "commonLabels": {"team": "common"},
        "podLabels": near["labels"],
        "service": near,
        "dashboards": {"enabled": True, **near},
        "metrics": {
            "serviceMonitor": {"enabled": True, **near},
            "prometheusRule": {"enabled": True, **near},
        },
    }
    known = [f"--api-versions={kind}" for kind in KINDS_OF_MONITORING]
    text = helm.run("template", "x", str(CHART), *known, *helm.values(values))
    objects = [one for one in yaml.load_all(text, Strictly) if one]

    for kind in ("Service", "ConfigMap", "ServiceMonitor", "PrometheusRule"):
        assert {one["metadata"]["labels"]["team"] for one in found(objects, kind)} == {"near"}
    (deployment,) = found(objects, "Deployment")
    assert deployment["metadata"]["labels"]["team"] == "common"
    assert deployment["spec"]["template"]["metadata"]["labels"]["team"] == "near"


def test_a_spread_without_a_selector_gets_ours(helm: Helm) -> None:
    objects = helm.render(OPTIONS["scheduling"])
    spec = the(objects, "Deployment")["spec"]
    first, second = spec["template"]["spec"]["topologySpreadConstraints"]

    assert first["labelSelector"] == {"matchLabels": {"app": "x"}}
    assert second["labelSelector"] == spec["selector"]


def test_each_shard_has_a_deployment_a_lease_and_a_budget(helm: Helm) -> None:
    objects = helm.render(OPTIONS["shards"])
    names = ["resilience-operator-a", "resilience-operator-b"]

    for kind in ("Deployment", "PodDisruptionBudget"):
        assert [one["metadata"]["name"] for one in found(objects, kind)] == names
    for name, selector in zip(names, ("shard=a", "shard!=a"), strict=True):
        settings = load(variables(objects, name))
        assert (settings.lease_name, settings.policy_selector) == (name, selector)
    assert len(found(objects, "ServiceAccount")) == len(found(objects, "Service")) == 1


def test_no_pod_of_a_shard_belongs_to_another_and_all_are_scraped(helm: Helm) -> None:
    objects = helm.render(OPTIONS["shards"])
    pods = [one["spec"]["template"]["metadata"]["labels"] for one in found(objects, "Deployment")]

    for kind in ("Deployment", "PodDisruptionBudget"):
        for place, one in enumerate(found(objects, kind)):
            wanted = one["spec"]["selector"]["matchLabels"].items()
            assert [wanted <= labels.items() for labels in pods] == [place == 0, place == 1]
    wanted = the(objects, "Service")["spec"]["selector"].items()
    assert all(wanted <= labels.items() for labels in pods)


def test_without_an_endpoint_nothing_is_traced(helm: Helm) -> None:
    assert not [name for name in variables(helm.render()) if "OTLP" in name or "TRACE" in name]

    settings = load(variables(helm.render(OPTIONS["tracing"])))

    assert str(settings.otlp_endpoint) == "http://collector.tracing.svc:4318"
    assert settings.trace_ratio == 0.25


@pytest.mark.parametrize("keep", [True, False])
def test_the_crds_are_those_of_the_repository(helm: Helm, keep: bool) -> None:
    rendered = {
        one["metadata"]["name"]: one
        for one in found(helm.render({"crds": {"keep": keep}}), "CustomResourceDefinition")
    }

    wanted = {one["metadata"]["name"]: one["spec"] for one in definitions()}
    assert {name: one["spec"] for name, one in rendered.items()} == wanted
    for one in rendered.values():
        policy = one["metadata"].get("annotations", {}).get("helm.sh/resource-policy")
        assert policy == ("keep" if keep else None)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"crds": {"enabled": False}}, "CustomResourceDefinition"),
        ({"rbac": {"create": False}}, "ClusterRole"),
        ({"rbac": {"create": False}}, "RoleBinding"),
        ({"rbac": {"create": False}, "watchNamespaces": ["shop"]}, "Role"),
        ({"serviceAccount": {"create": False, "name": "other"}}, "ServiceAccount"),
        ({"service": {"enabled": False}}, "Service"),
        ({"podDisruptionBudget": {"enabled": False}}, "PodDisruptionBudget"),
        ({"replicas": 1}, "PodDisruptionBudget"),
        ({}, "NetworkPolicy"),
        ({}, "ServiceMonitor"),
        ({}, "PrometheusRule"),
        ({}, "ConfigMap"),
    ],
)
def test_what_is_off_is_not_rendered(helm: Helm, values: Body, kind: str) -> None:
    assert found(helm.render(values), kind) == []


@pytest.mark.parametrize("kind", ["ServiceMonitor", "PrometheusRule"])
def test_monitoring_is_rendered_where_the_kind_is_known(helm: Helm, kind: str) -> None:
    values = OPTIONS["monitoring"]

    assert len(found(helm.render(values), kind)) == 1
    assert found(helm.render(values, monitoring=False), kind) == []


def alerts(rule: Body) -> list[Body]:
    """The alerts of a PrometheusRule but for those of one's own."""
    groups = (group for group in rule["spec"]["groups"] if group != GROUP)
    return [one for group in groups for one in group["rules"] if "alert" in one]


def test_the_rules_are_those_of_the_repository_and_ones_own(helm: Helm) -> None:
    (rule,) = found(helm.render(OPTIONS["monitoring"]), "PrometheusRule")
    file = ROOT / "manifests" / "monitoring" / "rules" / "resilience.rules.yaml"

    absent = '(absent(resilience_leader{lease="resilience-operator"}))'
    (leader,) = (one for one in alerts(rule) if one["alert"] == "ResilienceNoLeader")
    leader["expr"] = leader["expr"].removesuffix(f" or {absent} and on () resilience_build_info")
    assert rule["spec"]["groups"] == [GROUP, *yaml.safe_load(file.read_text())["groups"]]


def test_alerts_link_the_runbooks_where_they_are(helm: Helm) -> None:
    elsewhere = {"prometheusRule": {"enabled": True, "runbookUrl": "https://wiki.example/rb/"}}
    (rule,) = found(helm.render({"metrics": elsewhere}), "PrometheusRule")

    assert len(alerts(rule)) > 30
    for one in alerts(rule):
        assert one["annotations"]["runbook_url"] == f"https://wiki.example/rb/{one['alert']}.md"


def test_the_dashboards_are_those_of_the_repository(helm: Helm) -> None:
    folder = ROOT / "manifests" / "monitoring" / "dashboards"
    maps = found(helm.render(OPTIONS["dashboards"]), "ConfigMap")

    assert {name: text for one in maps for name, text in one["data"].items()} == {
        path.name: path.read_text() for path in folder.glob("*.json")
    }
    assert all(one["metadata"]["labels"]["grafana_dashboard"] == "1" for one in maps)


def test_the_monitor_finds_the_service(helm: Helm) -> None:
    objects = helm.render(OPTIONS["everything"])
    (monitor,), (service,) = found(objects, "ServiceMonitor"), found(objects, "Service")

    wanted: dict[str, Any] = monitor["spec"]["selector"]["matchLabels"]
    assert wanted.items() <= service["metadata"]["labels"].items()
    assert [one["name"] for one in service["spec"]["ports"]] == ["http"]
    # Else the policy's label `namespace` becomes `exported_namespace`, which no alert knows.
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["honorLabels"] is True


def test_extra_objects_are_filled_in(helm: Helm) -> None:
    objects = helm.render(OPTIONS["extras"])

    assert the(objects, "Secret", "extra")["stringData"] == {"release": "resilience-operator"}
    assert the(objects, "ConfigMap", "resilience-operator-more")


@pytest.mark.parametrize(
    ("values", "image"),
    [
        ({}, "resilience-operator/operator:dev"),
        ({"image": {"tag": ""}}, "resilience-operator/operator:0.2.0"),
        ({"image": {"tag": "x", "digest": f"sha256:{'a' * 64}"}}, "@sha256:"),
    ],
)
def test_the_image(helm: Helm, values: Body, image: str) -> None:
    assert image in container(helm.render(values))["image"]
