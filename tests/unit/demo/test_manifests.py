"""The demo's manifests: they fit the application, each other and the restricted level."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e.demo.app.features import FEATURES
from e2e.demo.deploy import NAMESPACE, VALUES
from resilience_operator.api.v1alpha1.policy import PolicySpec

FOLDER = Path(__file__).resolve().parents[3] / "manifests" / "demo"


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((FOLDER / name).read_text()))


def resources() -> list[dict[str, Any]]:
    names = documents("kustomization.yaml")[0]["resources"]
    return [document for name in names for document in documents(name)]


def of_kind(kind: str) -> dict[str, dict[str, Any]]:
    return {item["metadata"]["name"]: item for item in resources() if item["kind"] == kind}


@pytest.fixture(scope="module")
def policy() -> PolicySpec:
    """The reference policy, as the operator parses it."""
    return PolicySpec.model_validate(documents("policy.yaml")[0]["spec"])


def test_the_weights_are_the_reference_ones(policy: PolicySpec) -> None:
    weights = {dependency.name: dependency.weight for dependency in policy.dependencies}
    assert weights == {"openai": 50, "postgres": 30, "redis": 15, "s3": 5}
    assert all(dependency.level_when_down is None for dependency in policy.dependencies)


def test_the_policy_governs_every_feature_of_the_application(policy: PolicySpec) -> None:
    assert [feature.name for feature in policy.features] == list(FEATURES)


def test_the_application_knows_every_state_it_can_be_told(policy: PolicySpec) -> None:
    for feature in policy.features:
        told = {*feature.states.values(), feature.when_unavailable or "off"}
        assert told <= set(FEATURES[feature.name].answers), feature.name


def test_all_is_on_in_full_health_and_off_in_emergency(policy: PolicySpec) -> None:
    for feature in policy.features:
        states = {str(level): state for level, state in feature.states.items()}
        assert states["OPTIMAL"] == "on", feature.name
        assert list(states.values())[-1] == "off", feature.name


def test_the_policy_names_what_the_demo_deploys(policy: PolicySpec) -> None:
    assert policy.targets[0].name in of_kind("Deployment")
    volumes = of_kind("Deployment")["dashboard"]["spec"]["template"]["spec"]["volumes"]
    expected = {"name": policy.flags.config_map_name, "optional": True}
    assert volumes[0]["configMap"] == expected
    secrets = {name: secret["stringData"] for name, secret in of_kind("Secret").items()}
    probes = {dependency.name: dependency.probe for dependency in policy.dependencies}
    assert probes["openai"].openai is not None
    assert probes["postgres"].postgres is not None
    assert probes["redis"].redis is not None
    assert probes["s3"].s3 is not None
    for reference in (
        probes["openai"].openai.api_key_secret_ref,
        probes["postgres"].postgres.dsn_secret_ref,
        probes["redis"].redis.url_secret_ref,
    ):
        assert reference.key in secrets[reference.name]
    assert {"access-key-id", "secret-access-key"} <= set(
        secrets[probes["s3"].s3.credentials_secret_ref.name]
    )


def test_the_chart_is_told_where_the_policy_has_its_secrets() -> None:
    (values,) = documents(Path(VALUES).name)
    spaces = {item["metadata"]["namespace"] for item in of_kind("Secret").values()}
    assert spaces == set(values["rbac"]["secretNamespaces"]) == {NAMESPACE}


def test_every_pod_is_fit_for_the_restricted_level() -> None:
    assert len(of_kind("Deployment")) == 5
    for name, deployment in of_kind("Deployment").items():
        pod = deployment["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"], name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in pod["containers"]:
            assert container["imagePullPolicy"] == "IfNotPresent", name
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name
