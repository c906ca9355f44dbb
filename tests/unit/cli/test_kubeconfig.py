"""Which cluster, namespace and user a command takes, as kubectl would."""

from pathlib import Path

import pytest
import yaml

from resilience_operator.cli.errors import AccessError, CliError
from resilience_operator.cli.kubeconfig import author, locate

CONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "one",
    "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
    "users": [{"name": "ana", "user": {}}],
    "contexts": [
        {"name": "one", "context": {"cluster": "c", "user": "ana", "namespace": "retail"}},
        {"name": "two", "context": {"cluster": "c", "user": "ana"}},
    ],
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(CONFIG))
    return path


def test_the_current_context_says_namespace_and_user(config: Path) -> None:
    place = locate(config, None, {})

    assert (place.path, place.namespace, place.user) == (config, "retail", "ana")


def test_another_context_without_a_namespace_means_default(config: Path) -> None:
    place = locate(None, "two", {"KUBECONFIG": str(config)})

    assert (place.context, place.namespace) == ("two", "default")


def test_several_files_are_one(config: Path, tmp_path: Path) -> None:
    place = locate(None, None, {"KUBECONFIG": f"{tmp_path / 'none'}:{config}"})

    assert place.namespace == "retail"


def test_of_several_files_the_first_has_the_current_context(config: Path, tmp_path: Path) -> None:
    """As for kubectl: else the same command would go to another cluster than kubectl's."""
    second = tmp_path / "second"
    contexts = [
        {"name": "one", "context": {"cluster": "c", "user": "eva", "namespace": "late"}},
        {"name": "three", "context": {"cluster": "c", "user": "eva", "namespace": "shop"}},
    ]
    second.write_text(yaml.safe_dump({**CONFIG, "contexts": contexts, "current-context": "three"}))
    both = {"KUBECONFIG": f"{config}:{second}"}

    place = locate(None, None, both)

    assert (place.context, place.namespace, place.user) == ("one", "retail", "ana")
    assert locate(None, "three", both).namespace == "shop"


@pytest.mark.parametrize("current", ["", "gone"])
def test_a_context_that_is_given_needs_no_current_one(config: Path, current: str) -> None:
    config.write_text(yaml.safe_dump({**CONFIG, "current-context": current}))

    assert locate(config, "one", {}).namespace == "retail"
    with pytest.raises(AccessError, match="one, two"):
        locate(config, None, {})


def test_a_kubeconfig_comes_before_the_pod_and_the_pod_before_nothing(
    config: Path, tmp_path: Path
) -> None:
    pod = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBECONFIG": str(config), "USER": "root"}
    assert locate(None, None, pod).path == config

    place = locate(None, None, {**pod, "KUBECONFIG": str(tmp_path / "none")})
    assert (place.path, place.namespace, place.user) == (None, "default", "root")


def test_no_kubeconfig_says_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(AccessError, match=r"There is no kubeconfig at .*: name one with"):
        locate(tmp_path / "none", None, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"})


def test_a_context_that_is_not_there_names_those_that_are(config: Path) -> None:
    with pytest.raises(AccessError, match="no context 'three': choose among one, two"):
        locate(config, "three", {})


@pytest.mark.parametrize("content", ["", "[1, 2]", "{", "contexts: [{}]", "contexts: 7"])
def test_a_broken_kubeconfig_is_a_sentence(config: Path, content: str) -> None:
    config.write_text(content)

    with pytest.raises(AccessError, match=r"is not usable: .*Mend it"):
        locate(config, None, {})


def test_somebody_has_to_ask(config: Path) -> None:
    assert author(None, "ana") == "ana"
    assert author(" eva ", "ana") == "eva"
    assert author("x" * 200, "ana") == "x" * 128
    with pytest.raises(CliError, match="--requested-by"):
        author(None, "")
