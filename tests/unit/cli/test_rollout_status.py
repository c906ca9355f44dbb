"""`rollout status`: the view, for programs, and followed to the end."""

import json
from typing import Any

import pytest

from resilience_operator.core.errors import TransientError
from resilience_operator.core.resources import DEPLOYMENTS
from tests.unit.cli.world import ANNOTATION, HELD, NOW, PROGRESSING, World

VIEW = """\
retail/inventario  Held  step 2/3  stable 75 %, canary 25 %  version 01234567  started 2h ago

Steps
     STEP    CANARY  HOLD  SERVED  REMAINING
  x  1 done  5 %     1h
  >  2 now   25 %    2h    10m     1h50m
  -  3 next  100 %   6h

Metrics
  METRIC      STABLE  CANARY  VERDICT        MEANING                     EVIDENCE
  error-rate  1.02 %  0.98 %  Passing        as good as stable           mSPRT p=1, 12,400 requests
  p95         -       -       TooFewSamples  not enough to judge by yet  3 looks

Verdict  DependencyFault  Not the new version: a dependency is in trouble, and both versions suffer alike.
Why      DependencyFault  openai is down and both versions are as bad.
Held     for 10m, since 2026-11-24T11:50:00Z; rolled back in 3h50m if it lasts
Next     wait: it goes on by itself   or   kubectl resilience rollout abort inventario -n retail

History
  VERSION   RESULT      FAULT         REASON       STEP  LASTED  ENDED
  fedcba98  RolledBack  VersionFault  MetricWorse  1     1h5m    24h55m ago
"""  # noqa: E501 - as it is printed
SUCCEEDED = {
    **PROGRESSING,
    "phase": "Succeeded",
    "step": 3,
    "weight": 0,
    "reason": "Succeeded",
    "message": "Version 01234567 is the stable one and has all traffic.",
    "finishedRevision": "0123456789abcdef",
}
ROLLED_BACK = {
    **PROGRESSING,
    "phase": "RolledBack",
    "weight": 0,
    "attribution": "VersionFault",
    "reason": "MetricWorse",
    "message": "error-rate is 3 % against 1 %.",
    "finishedRevision": "0123456789abcdef",
}


def test_a_held_rollout_is_told_in_full(world: World) -> None:
    world.policy(HELD)

    result = world.run("rollout", "status", "inventario")

    assert result.exit_code == 0
    assert result.output == VIEW


def test_the_share_of_the_pods_stands_beside_the_weight(world: World) -> None:
    world.policy({**HELD, "realWeight": 33})

    shown = world.run("rollout", "status", "inventario").output
    answer = json.loads(world.run("rollout", "status", "inventario", "-o", "json").output)

    assert "stable 67 %, canary 33 % (weight 25 %)" in shown
    assert (answer["weight"], answer["realWeight"]) == (25, 33)


def test_served_time_leaves_holds_out(world: World) -> None:
    world.policy(PROGRESSING)

    answer = json.loads(world.run("rollout", "status", "inventario", "-o", "json").output)

    assert [each["state"] for each in answer["steps"]] == ["done", "now", "next"]
    assert answer["steps"][1] == {
        "number": 2,
        "weight": 25,
        "holdSeconds": 7200,
        "state": "now",
        "servedSeconds": 1200,
        "remainingSeconds": 6000,
    }
    assert answer["underWay"] is True
    assert answer["holdEndsAt"] is None
    assert answer["metrics"][0]["evidence"] == "mSPRT p=1, 12,400 requests"


def test_a_weight_that_is_not_in_force_has_served_nothing(world: World) -> None:
    world.policy({**PROGRESSING, "stepStartedAt": None})

    answer = json.loads(world.run("rollout", "status", "inventario", "-o", "json").output)

    assert answer["steps"][1]["servedSeconds"] is None
    assert answer["steps"][1]["remainingSeconds"] == 7200


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"phase": "Paused", "reason": "Paused"}, "rollout resume inventario -n retail   or"),
        ({"phase": "Held", "reason": "AwaitingApproval"}, "rollout resume inventario -n retail"),
        ({**ROLLED_BACK}, "rollout retry inventario -n retail"),
        ({**ROLLED_BACK}, "!  2 stopped"),
        ({**ROLLED_BACK}, "The new version is at fault."),
        ({"attribution": "LostFallback"}, "handles a dependency's outage worse"),
        ({"attribution": "SharedFault"}, "not the new version alone"),
        ({"attribution": "Blind"}, "Nobody can tell"),
        ({**SUCCEEDED}, "x  3 done"),
        ({**SUCCEEDED, "step": 1}, "-  2 skipped"),
        ({**SUCCEEDED}, "The new version has passed."),
        ({"weight": 100, "step": 3}, "within its bounds"),
        ({"phase": "Held", "ending": "RolledBack"}, "!  2 stopped"),
    ],
)
def test_each_state_has_its_words(world: World, change: dict[str, Any], words: str) -> None:
    world.policy({**PROGRESSING, **change})

    output = world.run("rollout", "status", "inventario").output

    assert words in output


def test_what_the_operator_has_yet_to_take_is_told(world: World) -> None:
    body = world.policy(PROGRESSING, mode="Observe")
    body["metadata"]["annotations"] = {ANNOTATION: "pause"}

    output = world.run("rollout", "status", "inventario").output

    assert "not taken by the operator yet: pause" in output
    assert "does not drive this rollout" in output


def test_a_policy_without_a_rollout_says_what_to_add(world: World) -> None:
    world.policy()

    result = world.run("rollout", "status", "inventario")

    assert result.exit_code == 1
    assert "has no spec.rollout: add one" in result.stderr


def test_watching_without_a_terminal_is_a_line_for_each_change(world: World) -> None:
    world.policy(PROGRESSING)
    world.operator(PROGRESSING, HELD, HELD, PROGRESSING, SUCCEEDED)

    result = world.run("rollout", "status", "inventario", "--watch")

    assert result.exit_code == 0
    assert [line.split("  ")[:2] for line in result.output.splitlines()] == [
        ["12:00:00Z", "Progressing"],
        ["12:00:02Z", "Held"],
        ["12:00:04Z", "Progressing"],
        ["12:00:05Z", "Succeeded"],
    ]


def test_a_rollback_is_exit_code_1(world: World) -> None:
    world.policy(PROGRESSING)
    world.operator(ROLLED_BACK)

    result = world.run("rollout", "status", "inventario", "-w")

    assert result.exit_code == 1
    assert "error-rate is 3 % against 1 %." in result.output


def test_a_watch_has_an_end(world: World) -> None:
    world.policy(PROGRESSING)

    result = world.run("rollout", "status", "inventario", "-w", "--timeout", "2m")

    assert result.exit_code == 1
    assert "is not over in that time: it is Progressing, and goes on" in result.stderr


def test_a_watch_waits_for_a_rollout_that_is_due(world: World) -> None:
    world.policy(SUCCEEDED)
    world.cluster.add(DEPLOYMENTS, deployment("dashboard", "web:1"))
    world.cluster.add(DEPLOYMENTS, deployment("dashboard-canary", "web:2"))
    world.operator(SUCCEEDED, PROGRESSING, ROLLED_BACK)

    result = world.run("rollout", "status", "inventario", "-w")

    assert [line.split("  ")[1] for line in result.output.splitlines()] == [
        "Succeeded",
        "Progressing",
        "RolledBack",
    ]
    assert result.exit_code == 1


def test_a_watch_outlives_an_api_server_that_is_away_for_a_while(world: World) -> None:
    world.policy(PROGRESSING)

    def away(now: float) -> None:
        since = now - 1_000
        world.cluster.fails = TransientError("away") if int(since) % 40 else None
        if world.cluster.fails is None:
            body = world.cluster.objects["resiliencepolicies", "inventario"]
            body["status"]["rollout"] = SUCCEEDED

    world.clock.each = away

    assert world.run("rollout", "status", "inventario", "-w").exit_code == 0


def test_a_watch_gives_up_on_one_that_stays_away(world: World) -> None:
    world.policy(PROGRESSING)

    def away(now: float) -> None:
        world.cluster.fails = TransientError("away")

    world.clock.each = away

    assert world.run("rollout", "status", "inventario", "-w").exit_code == 4


def test_a_watch_of_nothing_to_come_is_over_at_once(world: World) -> None:
    world.policy(SUCCEEDED)
    world.cluster.add(DEPLOYMENTS, deployment("dashboard", "web:2"))
    world.cluster.add(DEPLOYMENTS, deployment("dashboard-canary", "web:2"))

    assert world.run("rollout", "status", "inventario", "-w").exit_code == 0
    assert world.clock.time == NOW


def test_watch_and_output_do_not_go_together(world: World) -> None:
    assert world.run("rollout", "status", "x", "-w", "-o", "json").exit_code == 2
    assert world.run("rollout", "status", "x", "--timeout", "1m").exit_code == 2


def deployment(name: str, image: str) -> dict[str, Any]:
    containers = [{"name": "web", "image": image}]
    return {
        "metadata": {"name": name},
        "spec": {"template": {"metadata": {}, "spec": {"containers": containers}}},
    }
