"""What the chart takes and what it refuses, before any cluster is asked."""

from typing import Any

import pytest

from tests.integration.chart.helm import CHART, Body, Helm, HelmError
from tests.integration.chart.matrix import OPTIONS


@pytest.mark.parametrize("name", OPTIONS)
def test_lint_finds_nothing(helm: Helm, name: str) -> None:
    said = helm.run("lint", "--strict", "--quiet", str(CHART), *helm.values(OPTIONS[name]))

    assert "WARNING" not in said
    assert "ERROR" not in said


@pytest.mark.parametrize(
    ("values", "says"),
    [
        # misspelt
        ({"replicaCount": 2}, "replicaCount"),
        ({"watchNamespace": ["shop"]}, "watchNamespace"),
        ({"crds": {"keeep": True}}, "keeep"),
        ({"image": {"tags": "dev"}}, "tags"),
        ({"settings": {"loglevel": "INFO"}}, "loglevel"),
        ({"settings": {"watchNamespaces": ["shop"]}}, "watchNamespaces"),
        ({"resources": {"limit": {"memory": "1Gi"}}}, "limit"),
        ({"rbac": {"secretsNamespaces": ["shop"]}}, "secretsNamespaces"),
        ({"networkPolicy": {"from": []}}, "from"),
        ({"metrics": {"serviceMonitor": {"enable": True}}}, "enable"),
        ({"livenessProbe": {"period": 10}}, "period"),
        ({"dashboards": {"enable": True}}, "enable"),
        ({"tracing": {"sampling": 0.5}}, "sampling"),
        ({"shards": [{"name": "a", "selectors": "a=b"}]}, "selectors"),
        ({"tolerations": [{"keys": "a"}]}, "keys"),
        ({"extraEnv": [{"name": "A", "values": "b"}]}, "values"),
        # mistyped
        ({"replicas": "2"}, "replicas"),
        ({"replicas": -1}, "replicas"),
        ({"watchNamespaces": "shop"}, "watchNamespaces"),
        ({"watchNamespaces": ["Shop"]}, "watchNamespaces"),
        ({"watchNamespaces": ["shop", "shop"]}, "watchNamespaces"),
        ({"crds": {"enabled": "yes"}}, "crds"),
        ({"image": {"pullPolicy": "Sometimes"}}, "pullPolicy"),
        ({"image": {"digest": "a" * 64}}, "digest"),
        ({"settings": {"logLevel": "LOUD"}}, "logLevel"),
        ({"settings": {"workers": 0}}, "workers"),
        ({"settings": {"guardAllow": ["example.com"]}}, "guardAllow"),
        ({"settings": {"controlProbe": "dns.example"}}, "controlProbe"),
        ({"settings": {"controlProbe": "dns.example:0"}}, "controlProbe"),
        ({"settings": {"controlProbe": "dns.example:65536"}}, "controlProbe"),
        ({"settings": {"controlProbe": "[::1]:70000"}}, "controlProbe"),
        ({"settings": {"httpPort": 80}}, "httpPort"),
        ({"resources": {"limits": {"memory": "lots"}}}, "memory"),
        ({"podDisruptionBudget": {"minAvailable": "half"}}, "minAvailable"),
        ({"commonLabels": {"app.kubernetes.io/name": "mine"}}, "app.kubernetes.io/name"),
        ({"podLabels": {"a": 1}}, "podLabels"),
        ({"extraEnv": {"A": "b"}}, "extraEnv"),
        ({"tracing": {"endpoint": "collector:4318"}}, "endpoint"),
        ({"tracing": {"ratio": 2}}, "ratio"),
        ({"shards": [{"name": "a"}]}, "selector"),
        ({"shards": [{"name": "a", "selector": ""}]}, "selector"),
        ({"shards": [{"name": "A", "selector": "a=b"}]}, "name"),
        ({"extraEnv": [{"name": "A", "value": 1}]}, "extraEnv"),
        ({"metrics": {"serviceMonitor": {"interval": "15"}}}, "interval"),
        ({"metrics": {"prometheusRule": {"runbookUrl": "wiki/runbooks"}}}, "runbookUrl"),
        ({"fullnameOverride": "123"}, "fullnameOverride"),
    ],
)
def test_the_schema_refuses(helm: Helm, values: Body, says: str) -> None:
    with pytest.raises(HelmError) as refused:
        helm.render(values)

    assert "schema" in str(refused.value)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"settings": {"leaseRetrySeconds": 12}}, "leaseRetrySeconds must be less than"),
        ({"settings": {"leaseRenewSeconds": 15}}, "leaseRenewSeconds must be less than"),
        (
            {"shards": [{"name": "a", "selector": "a=b"}, {"name": "a", "selector": "a!=b"}]},
            "the name a is given twice",
        ),
        ({"watchNamespaces": ["a"], "rbac": {"clusterSecrets": True}}, "of cluster mode"),
        ({"watchNamespaces": ["a"], "rbac": {"secretNamespaces": ["b"]}}, "of cluster mode"),
        (
            {"service": {"enabled": False}, "metrics": {"serviceMonitor": {"enabled": True}}},
            "needs service.enabled",
        ),
        ({"serviceAccount": {"create": False}}, "serviceAccount.name must be set"),
    ],
)
def test_values_that_contradict_each_other_are_refused(
    helm: Helm, values: dict[str, Any], says: str
) -> None:
    with pytest.raises(HelmError, match=says):
        helm.render(values)


@pytest.mark.parametrize("port", [1, 9, 53, 443, 9999, 10000, 59999, 60000, 65299, 65535])
def test_a_control_probe_may_have_any_port(helm: Helm, port: int) -> None:
    for host in ("dns.example", "10.0.0.1", "[::1]"):
        helm.render({"settings": {"controlProbe": f"{host}:{port}"}})
