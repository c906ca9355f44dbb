"""`status`: what people and programs see of policies, levels and dependencies."""

import json

import yaml

from resilience_operator.core.errors import Forbidden, NotFound, TransientError
from tests.unit.cli.world import HELD, World

IN_TROUBLE = """\
retail/inventario  LIMITED  health 50  limited by openai  2/3 known
  LEVEL OF             LEVEL    HEALTH  SINCE  LIMITED BY  NOTES
  inventario           LIMITED  50      6m     openai      luis forces LIMITED for 1h more: game day
  inventario-checkout  LIMITED  50      6m     openai      frozen for 15m more: migration
  DEPENDENCY  STATE    HEALTH  BREAKER  P95     SINCE  WHY
  openai      Down     0       Open     310 ms  6m     RateLimited: 429 [too many] requests
  postgres    Healthy  100     Closed   4 ms    4d
  s3          Unknown  -       Closed                  SecretMissing
  Ready=False  SecretMissing  for 5m  Secret s3 is not there.
  DependenciesHealthy=False  DependencyDown  for 5m  openai is down.
  inventario: Stale=True  Stale  for 5m  s3 has not answered for too long.
  inventario-checkout: Stale=True  Stale  for 5m  s3 has not answered for too long.
  rollout  Held  step 2/3  canary 25 %  for 10m  DependencyFault  openai is down, both are as bad.
"""
OVERRIDE = {
    "level": "LIMITED",
    "reason": "game day",
    "requestedBy": "luis",
    "expiresAt": "2026-11-24T13:00:00Z",
}
FREEZE = {"reason": "migration", "expiresAt": "2026-11-24T12:15:00Z"}


def test_a_policy_in_trouble_is_told_line_by_line(world: World) -> None:
    world.policy({**HELD, "message": "openai is down, both are as bad."})
    world.level(override=OVERRIDE)
    world.level("inventario-checkout", freeze=FREEZE)
    world.level("another", policyRef={"name": "another"})

    result = world.run("status")

    assert result.exit_code == 0
    assert result.output == IN_TROUBLE
    assert world.run("status", "inventario").output == IN_TROUBLE


def test_levers_that_have_expired_are_not_told(world: World) -> None:
    world.policy()
    world.level(override={**OVERRIDE, "expiresAt": "2026-11-24T11:59:59Z"})

    assert "forces" not in world.run("status").output


def test_a_level_that_differs_from_the_computed_one_says_so(world: World) -> None:
    world.policy()
    level = world.level()
    level["status"]["computedLevel"] = "OPTIMAL"
    level["status"]["recovery"] = {
        "expectedAt": "2026-11-24T12:20:00Z",
        "p50Seconds": 1500,
        "p90Seconds": 5400,
        "samples": 7,
        "method": "median",
    }

    output = world.run("status").output

    assert "the probes say OPTIMAL; recovery expected in 20m (of 7 outages, " in output
    assert "90 % of outages end within 1h30m)" in output


def test_a_policy_that_no_operator_has_seen_asks_for_one(world: World) -> None:
    body = world.policy()
    body["status"] = {}

    assert world.run("status").output == (
        "retail/inventario  -\n  It has no status yet: is the operator running?\n"
    )


def test_what_a_person_should_know_first_is_noted(world: World) -> None:
    body = world.policy(mode="Observe")
    body["metadata"]["generation"] = 4
    body["metadata"]["deletionTimestamp"] = "2026-11-24T11:59:00Z"

    output = world.run("status").output

    assert "It is being deleted." in output
    assert "Mode Observe" in output
    assert "has not seen the present spec yet (generation 4, seen 1)" in output


def test_a_status_of_another_version_is_said_to_be_one(world: World) -> None:
    body = world.policy()
    body["status"]["level"] = "SPLENDID"

    assert "written by another version" in world.run("status").output


def test_messages_can_neither_style_nor_steer_the_terminal(world: World) -> None:
    body = world.policy()
    body["status"]["dependencies"][0]["message"] = "[red]x[/red]\x1b[2J\nnext"

    output = world.run("status").output

    assert "[red]x[/red] [2J next" in output
    assert "\x1b" not in output


def test_programs_get_the_same_as_json_and_as_yaml(world: World) -> None:
    world.policy(HELD)
    world.level(override=OVERRIDE)

    answer = json.loads(world.run("status", "-o", "json").output)

    assert yaml.safe_load(world.run("status", "-o", "yaml").output) == answer
    (policy,) = answer["policies"]
    assert policy["level"] == "LIMITED"
    assert [each["name"] for each in policy["dependencies"]] == ["openai", "postgres", "s3"]
    assert policy["levels"][0]["override"] == OVERRIDE
    assert policy["levels"][0]["freeze"] is None
    assert [each["type"] for each in policy["conditionsAmiss"]] == ["Ready", "DependenciesHealthy"]
    assert policy["rollout"]["phase"] == "Held"


def test_no_policy_is_a_sentence_and_an_empty_list(world: World) -> None:
    assert world.run("status").output == "There is no ResiliencePolicy in namespace retail.\n"
    assert world.run("status", "-A").output == "There is no ResiliencePolicy in any namespace.\n"
    assert json.loads(world.run("status", "-o", "json").output) == {"policies": []}


def test_a_name_that_is_not_there_is_exit_code_3(world: World) -> None:
    result = world.run("status", "nobody", "-n", "shop")

    assert result.exit_code == 3
    assert result.stderr.startswith("Error: There is no ResiliencePolicy nobody in namespace shop")


def test_a_name_of_all_namespaces_is_wrong_usage(world: World) -> None:
    assert world.run("status", "inventario", "-A").exit_code == 2


def test_every_failure_is_a_sentence_with_a_code(world: World) -> None:
    for error, code, words in (
        (Forbidden("you cannot list that."), 4, "Ask for a role"),
        (TransientError("expired", status=401), 4, "log in again"),
        (TransientError("no answer within 10 s"), 4, "Check --context"),
        (NotFound("the server could not find the requested resource"), 3, "apply the CRDs"),
    ):
        world.cluster.fails = error

        result = world.run("status")

        assert result.exit_code == code
        assert words in result.stderr
        assert result.stderr.count("\n") == 1
