"""What the command line reads from a real API server, and what it says when it may not."""

import json
from pathlib import Path

import pytest
import yaml

from e2e.cluster.controlplane import ControlPlane
from tests.integration.cli.conftest import Shop, before_now


@pytest.fixture
def told(shop: Shop) -> Shop:
    """A shop whose AI API is down, with a rollout held for it."""
    shop.status(
        observedGeneration=1,
        level="LIMITED",
        health=50,
        limitingDependency="openai",
        scored="2/2",
        dependencies=[
            {
                "name": "openai",
                "state": "Down",
                "health": 0,
                "breaker": {"state": "Open", "openedAt": before_now(minutes=5.2)},
                "failureReason": "RateLimited",
                "message": "429: the budget is spent",
                "since": before_now(minutes=20.2),
            },
            {"name": "postgres", "state": "Healthy", "health": 100, "since": before_now(days=3.2)},
        ],
        conditions=[
            {
                "type": "FlagsApplied",
                "status": "False",
                "reason": "Immutable",
                "message": "ConfigMap inventario-flags is immutable.",
                "lastTransitionTime": before_now(minutes=20.2),
            }
        ],
        rollout={
            "phase": "Held",
            "step": 1,
            "weight": 5,
            "revision": "0123456789abcdef",
            "stepStartedAt": before_now(minutes=50.1),
            "heldSince": before_now(minutes=20.1),
            "attribution": "DependencyFault",
            "reason": "DependencyFault",
            "message": "openai is down and both versions are as bad.",
        },
    )
    shop.level_status(
        observedGeneration=1,
        level="LIMITED",
        computedLevel="LIMITED",
        health=50,
        since=before_now(minutes=20.2),
        limitingDependency="openai",
    )
    return shop


def test_the_status_of_a_policy(told: Shop) -> None:
    program = told.begin("status")
    output, errors = program.communicate(timeout=60)

    assert program.returncode == 0, errors
    assert errors == ""
    assert output.splitlines() == [
        f"{told.here.name}/inventario  LIMITED  health 50  limited by openai  2/2 known",
        "  LEVEL OF    LEVEL    HEALTH  SINCE  LIMITED BY",
        "  inventario  LIMITED  50      20m    openai",
        "  DEPENDENCY  STATE    HEALTH  BREAKER  SINCE  WHY",
        "  openai      Down     0       Open     20m    RateLimited: 429: the budget is spent",
        "  postgres    Healthy  100     Closed   3d4h",
        "  FlagsApplied=False  Immutable  for 20m  ConfigMap inventario-flags is immutable.",
        "  rollout  Held  step 1/3  canary 5 %  for 20m  DependencyFault  "
        "openai is down and both versions are as bad.",
    ]


def test_all_namespaces(told: Shop) -> None:
    lines = told.run("status", "-A").output.splitlines()

    assert any(line.startswith(f"{told.here.name}/inventario  LIMITED") for line in lines)


def test_programs_get_json_and_yaml(told: Shop) -> None:
    as_json = json.loads(told.run("status", "inventario", "-o", "json").output)
    as_yaml = yaml.safe_load(told.run("status", "inventario", "-o", "yaml").output)

    assert as_json == as_yaml
    assert as_json["policies"][0]["namespace"] == told.here.name
    assert as_json["policies"][0]["rollout"]["attribution"] == "DependencyFault"


def test_the_status_of_a_rollout(told: Shop) -> None:
    answer = json.loads(told.run("rollout", "status", "inventario", "-o", "json").output)

    assert answer["phase"] == "Held"
    assert 1_795 <= answer["steps"][0]["servedSeconds"] <= 1_805
    assert "Not the new version" in told.run("rollout", "status", "inventario").output


def test_what_is_not_there_is_exit_code_3(shop: Shop) -> None:
    for words in (
        ("status", "nobody"),
        ("rollout", "status", "nobody"),
        ("rollout", "pause", "nobody"),
        ("level", "release", "nobody"),
    ):
        result = shop.run(*words)

        assert result.exit_code == 3
        assert "nobody in namespace" in result.stderr


def test_who_may_not_is_told_what_he_may_not(shop: Shop, control_plane: ControlPlane) -> None:
    stranger = str(control_plane.kubeconfig_for("stranger"))

    for words in (("status",), ("rollout", "abort", "inventario"), ("status", "-A")):
        result = shop.run(*words, kubeconfig=stranger)

        assert result.exit_code == 4
        assert 'User "stranger" cannot' in result.stderr
        assert "Ask for a role that allows it" in result.stderr
        assert result.stderr.count("\n") == 1


def test_nobody_at_the_other_end_is_exit_code_4(shop: Shop, tmp_path: Path) -> None:
    config = yaml.safe_load(Path(shop.kubeconfig).read_text())
    for cluster in config["clusters"]:
        cluster["cluster"]["server"] = "https://127.0.0.1:9"
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(config))

    result = shop.run("status", kubeconfig=str(path))

    assert result.exit_code == 4
    assert "The API server cannot be asked" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_credential_that_is_not_accepted_is_exit_code_4(shop: Shop, tmp_path: Path) -> None:
    config = yaml.safe_load(Path(shop.kubeconfig).read_text())
    config["users"] = [{"name": config["users"][0]["name"], "user": {"token": "expired"}}]
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(config))

    result = shop.run("status", kubeconfig=str(path))

    assert result.exit_code == 4
    assert "log in again" in result.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed(shop: Shop, shell: str) -> None:
    assert "kubectl-resilience" in shop.run("completion", shell).output
