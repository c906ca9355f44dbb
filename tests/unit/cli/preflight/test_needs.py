"""What the operator needs for a policy, held against what the chart grants."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from resilience_operator.api.v1alpha1.policy import PolicySpec
from resilience_operator.cli.preflight.needs import Need, needs_of, spoken
from resilience_operator.core.resources import CONFIG_MAPS, PODS, SECRETS

RBAC = Path(__file__).parents[4] / "manifests" / "base" / "rbac.yaml"
ROUTERS = (
    {"httpRoute": {"name": "web"}},
    {"istio": {"virtualService": "web"}},
    {"ingressNginx": {"ingress": "web"}},
    {"replicas": {"total": 4}},
)
# What the operator does for no single policy.
APART = {("get", "discovery.k8s.io", "endpointslices")}


def spec(**more: Any) -> PolicySpec:
    """A policy with a credential and a target."""
    probe = {"redis": {"urlSecretRef": {"name": "redis", "key": "url"}}}
    dependencies = [{"name": "redis", "weight": 1, "probe": probe}]
    return PolicySpec.model_validate(
        {"dependencies": dependencies, "targets": [{"name": "web"}], **more}
    )


def rollout(traffic: dict[str, Any]) -> dict[str, Any]:
    return {
        "stable": {"deployment": "web", "service": "web"},
        "canary": {"deployment": "web-canary", "service": "web-canary"},
        "traffic": traffic,
    }


def granted() -> set[tuple[str, str, str]]:
    """Verb, group and resource of every rule for namespaced objects of the operator's."""
    found = set()
    for role in yaml.safe_load_all(RBAC.read_text()):
        if role["kind"] == "ClusterRole" and "aggregate" not in str(role["metadata"]["labels"]):
            for rule in role["rules"]:
                found |= {
                    (verb, group, resource)
                    for verb in rule["verbs"]
                    for group in rule["apiGroups"]
                    for resource in rule["resources"]
                }
    return found


def in_rbac(needs: Iterator[Need]) -> set[tuple[str, str, str]]:
    return {
        (
            need.verb,
            need.resource.group,
            "/".join(part for part in (need.resource.plural, need.subresource) if part),
        )
        for need in needs
    }


def test_the_chart_grants_what_policies_need_and_nothing_else() -> None:
    specs = [spec(rollout=rollout(each)) for each in ROUTERS]
    specs.append(spec(flags={"propagation": "Restart"}))

    needed = in_rbac(need for each in specs for need in needs_of(each))

    assert needed | APART == granted()


def test_a_small_policy_needs_little() -> None:
    tcp = {"name": "a", "weight": 1, "probe": {"tcp": {"address": "a:1"}}}
    needs = needs_of(spec(dependencies=[tcp], targets=[]))

    assert {need.resource.plural for need in needs} == {
        "resiliencepolicies",
        "degradationlevels",
        "events",
        "configmaps",
    }


def test_secrets_are_asked_of_by_name() -> None:
    (need,) = [each for each in needs_of(spec()) if each.resource is SECRETS]

    assert need.attributes("shop")["name"] == "redis"
    assert need.attributes("shop")["namespace"] == "shop"


def test_needs_are_spoken_by_object() -> None:
    needs = [Need("", verb, CONFIG_MAPS) for verb in ("get", "list", "patch")]
    needs += [Need("", "patch", PODS, "status", name) for name in ("one", "two")]

    assert spoken(needs) == "get, list and patch configmaps; patch pods/status one and two"
