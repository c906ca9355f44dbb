"""The program as such: help, version, completion, and how little it loads to answer."""

import subprocess
import sys

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from resilience_operator.cli.app import cli
from resilience_operator.cli.completing import completions
from resilience_operator.core.errors import TransientError
from tests.unit.cli.world import World

LOADED = """
import sys
from resilience_operator.cli.app import main
try:
    main()
except SystemExit:
    print(*sorted(sys.modules), file=sys.stderr)
"""
HEAVY = {"kopf", "aiohttp", "kubernetes", "rich", "yaml", "psycopg", "redis", "botocore"}


def test_help_loads_nothing_that_it_does_not_need() -> None:
    for words in (
        ["--help"],
        ["rollout", "promote", "--help"],
        ["preflight", "--help"],
        ["completion", "zsh"],
        ["version"],
    ):
        done = subprocess.run(
            [sys.executable, "-c", LOADED, *words], capture_output=True, text=True, check=True
        )

        assert done.stdout
        assert HEAVY.isdisjoint(done.stderr.split())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_its_script(shell: str) -> None:
    result = CliRunner().invoke(cli, ["completion", shell])

    assert result.exit_code == 0
    assert f"_KUBECTL_RESILIENCE_COMPLETE={shell}_complete" in result.output


def test_kubectl_is_told_what_may_follow() -> None:
    assert [line.split("\t")[0] for line in completions(["rollout", "p"])] == [
        "pause",
        "promote",
        ":4",
    ]
    assert completions(["completion", "f"]) == ["fish", ":4"]
    assert completions(["level", "override", "x", "--l"])[0].startswith("--level\t")
    assert completions([])[-1] == ":4"


def test_names_are_completed_from_the_cluster(world: World) -> None:
    world.policy()
    world.level("inventario-checkout")
    shell = ShellComplete(cli, {"obj": world.target()}, "kubectl-resilience", "_X")

    def words(*before: str, incomplete: str = "") -> list[str]:
        return [each.value for each in shell.get_completions(list(before), incomplete)]

    assert words("rollout", "pause", incomplete="inv") == ["inventario"]
    assert words("level", "release") == ["inventario-checkout"]
    assert words("status", "-n", "another") == []
    world.cluster.fails = TransientError("away")
    assert words("status") == []


def test_the_version_names_the_api() -> None:
    output = CliRunner().invoke(cli, ["version"]).output

    assert output.startswith("kubectl-resilience ")
    assert output.endswith("API resilience.aidrive.dev/v1alpha1\n")


@pytest.mark.parametrize(
    "words",
    [
        ["status", ""],
        ["status", "-n", ""],
        ["status", "retail/inventario"],
        ["preflight", ""],
        ["level", "release", ""],
        ["rollout", "abort", ""],
        ["rollout", "status", ".."],
    ],
)
def test_what_is_no_name_is_wrong_usage(world: World, words: list[str]) -> None:
    """An empty one is what a script gives whose variable is not set."""
    result = world.run(*words)

    assert result.exit_code == 2
    assert "is no name" in result.stderr


def test_what_is_no_command_is_wrong_usage() -> None:
    assert CliRunner().invoke(cli, ["preflights"]).exit_code == 2
