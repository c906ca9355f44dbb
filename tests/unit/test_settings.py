"""Settings from the environment, and the sentences that wrong ones get."""

import socket
from ipaddress import ip_network
from pathlib import Path

import pytest

from resilience_operator.logging import LogFormat
from resilience_operator.settings import Settings, SettingsError, load

NOWHERE = Path("/nonexistent/namespace")


def test_an_empty_environment_suits_a_cluster() -> None:
    settings = load({}, NOWHERE)
    assert settings.identity == socket.gethostname()
    assert settings.namespace == "default"
    assert settings.watch_namespaces == ()
    assert (settings.http_host, settings.http_port) == ("0.0.0.0", 8080)
    assert settings.log_format is LogFormat.JSON
    assert settings.kubeconfig is None


def test_every_kind_of_value() -> None:
    settings = load(
        {
            "RESILIENCE_WATCH_NAMESPACES": "retail, staging,",
            "RESILIENCE_POLICY_SELECTOR": " shard in (a, b),tier!=test ",
            "RESILIENCE_GUARD_ALLOW": "10.0.0.0/8,fd00::/8",
            "RESILIENCE_HTTP_PORT": "9090",
            "RESILIENCE_WRITE_QPS": "12.5",
            "RESILIENCE_LOG_LEVEL": "debug",
            "RESILIENCE_LOG_FORMAT": "Plain",
            "RESILIENCE_CONTROL_PROBE": "[::1]:443",
            "RESILIENCE_KUBECONFIG": "/etc/kubeconfig",
            "RESILIENCE_WORKERS": "",
            "PATH": "/usr/bin",
        },
        NOWHERE,
    )
    assert settings.watch_namespaces == ("retail", "staging")
    assert settings.policy_selector == "shard in (a, b),tier!=test"
    assert settings.guard_allow == (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
    assert settings.http_port == 9090
    assert settings.write_qps == 12.5
    assert settings.log_level == "DEBUG"
    assert settings.log_format is LogFormat.PLAIN
    assert settings.control_probe == "[::1]:443"
    assert settings.kubeconfig == Path("/etc/kubeconfig")
    assert settings.workers == 8


@pytest.mark.parametrize(
    ("environment", "mounted", "namespace"),
    [
        ({"POD_NAMESPACE": "own"}, "mounted", "own"),
        ({"POD_NAMESPACE": "own", "RESILIENCE_NAMESPACE": "told"}, "mounted", "told"),
        ({}, "mounted\n", "mounted"),
        ({}, "", "default"),
    ],
)
def test_the_own_namespace(
    tmp_path: Path, environment: dict[str, str], mounted: str, namespace: str
) -> None:
    file = tmp_path / "namespace"
    file.write_text(mounted)
    assert load(environment, file).namespace == namespace


def test_code_may_give_values_as_they_are() -> None:
    settings = Settings(
        identity="a", namespace="b", watch_namespaces=("c",), log_format=LogFormat.PLAIN
    )
    assert settings.watch_namespaces == ("c",)
    assert settings.log_format is LogFormat.PLAIN


def test_the_pod_is_the_identity() -> None:
    assert load({"POD_NAME": "operator-abc"}, NOWHERE).identity == "operator-abc"


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("HTTP_PORT", "eighty", "Port of the same"),
        ("WORKERS", "0", "greater than or equal to 1"),
        ("GUARD_DENY", "10.0.0.1/8", "Comma-separated CIDRs"),
        ("LOG_LEVEL", "verbose", "DEBUG, INFO, WARNING or ERROR"),
        ("LOG_FORMAT", "xml", "json or plain"),
        ("CONTROL_PROBE", "example.com", "host:port"),
        ("CONTROL_PROBE", "10.0.0.1:70000", "from 1 to 65535"),
        ("CONTROL_PROBE", "10.0.0.1:0", "from 1 to 65535"),
        ("POLICY_SELECTOR", "shard is a", "key notin (a,b)"),
        ("OTLP_ENDPOINT", "collector:4318", "such as http://collector:4318"),
        ("OTLP_ENDPOINT", "http://collector:4318/?token=x", "such as http://collector:4318"),
        ("TRACE_RATIO", "1.5", "less than or equal to 1"),
        ("LEASE_RETRY_SECONDS", "20", "must be less than RESILIENCE_LEASE_RENEW_SECONDS"),
    ],
)
def test_a_wrong_value_names_the_variable_and_the_remedy(name: str, value: str, says: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        load({f"RESILIENCE_{name}": value}, NOWHERE)
    assert f"RESILIENCE_{name}" in str(refusal.value)
    assert says in str(refusal.value)


@pytest.mark.parametrize("url", ["", "http://otel.svc:4318", "https://[fd00::1]:4318/otlp/"])
def test_a_collector_by_its_url(url: str) -> None:
    assert load({"RESILIENCE_OTLP_ENDPOINT": url}, NOWHERE).otlp_endpoint == url


def test_an_url_with_credentials_is_refused_without_them() -> None:
    with pytest.raises(SettingsError) as refusal:
        load({"RESILIENCE_OTLP_ENDPOINT": "http://eva:hunter2@collector:4318"}, NOWHERE)
    assert "http://collector:4318" in str(refusal.value)
    assert "hunter2" not in str(refusal.value)


def test_a_misspelt_variable_is_not_ignored() -> None:
    with pytest.raises(SettingsError, match=r"RESILIENCE_WORKER is not a setting.*_WORKERS"):
        load({"RESILIENCE_WORKER": "4"}, NOWHERE)


@pytest.mark.parametrize(
    "name",
    [
        "RESILIENCE_OPERATOR_PORT",
        "RESILIENCE_OPERATOR_SERVICE_HOST",
        "RESILIENCE_OPERATOR_SERVICE_PORT_METRICS",
        "RESILIENCE_OPERATOR_PORT_8080_TCP_ADDR",
    ],
)
def test_what_kubernetes_injects_for_our_own_service_is_no_setting(name: str) -> None:
    assert load({name: "tcp://10.0.0.1:8080"}, NOWHERE) == load({}, NOWHERE)
