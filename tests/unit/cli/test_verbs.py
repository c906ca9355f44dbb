"""`rollout promote|pause|resume|abort|retry`: refused, asked, taken, and what comes of it."""

from typing import Any

import pytest

from resilience_operator.core.errors import TransientError
from tests.unit.cli.world import ANNOTATION, HELD, PROGRESSING, World

PAUSED = {**PROGRESSING, "phase": "Paused", "reason": "Paused", "message": "A person paused it."}
ENDING = {**HELD, "ending": "RolledBack", "message": "A person aborted it; traffic goes home."}
ROLLED_BACK = {**PROGRESSING, "phase": "RolledBack", "weight": 0, "message": "A person aborted it."}
PROMOTING = {**PROGRESSING, "phase": "Promoting", "message": "A person promoted it."}
SUCCEEDED = {**PROGRESSING, "phase": "Succeeded", "weight": 0, "message": "It has all traffic."}
WAITING = {**PROGRESSING, "phase": "Waiting", "step": 0, "weight": 0, "message": "Begun anew."}
AWAITING = {**HELD, "reason": "AwaitingApproval", "approvedStep": 2}
APPROVED = {**AWAITING, "approvedStep": 3, "message": "A person approved step 3."}
OTHER = {**PROGRESSING, "revision": "9999999999999999", "message": "On its way."}


def patched(world: World) -> list[Any]:
    return [body["metadata"]["annotations"][ANNOTATION] for _, _, body in world.cluster.patches]


@pytest.mark.parametrize(
    ("verb", "before", "then", "message"),
    [
        ("pause", PROGRESSING, [PAUSED], "A person paused it."),
        ("resume", PAUSED, [PROGRESSING], "Step 2 of 3: version 01234567 has 25 % of"),
        ("resume", AWAITING, [AWAITING, APPROVED], "A person approved step 3."),
        ("abort", PROGRESSING, [ENDING, ENDING, ROLLED_BACK], "A person aborted it."),
        ("retry", ROLLED_BACK, [WAITING], "Begun anew."),
        ("promote", HELD, [PROMOTING, PROMOTING, SUCCEEDED], "It has all traffic."),
    ],
)
def test_a_verb_that_is_obeyed_reports_what_came_of_it(
    world: World, verb: str, before: Any, then: list[Any], message: str
) -> None:
    world.policy(before)
    world.operator(*then)

    result = world.run("rollout", verb, "inventario")

    assert result.exit_code == 0, result.output
    assert message in result.stdout
    assert patched(world) == [verb]


@pytest.mark.parametrize(
    ("verb", "before", "then", "message"),
    [
        ("promote", PROGRESSING, [PROMOTING, ROLLED_BACK], "RolledBack: A person aborted it."),
        ("promote", PROGRESSING, [OTHER], "Version 01234567 has given way to 99999999"),
        ("pause", PROGRESSING, [SUCCEEDED], "Succeeded: It has all traffic."),
    ],
)
def test_what_ends_otherwise_is_exit_code_1(
    world: World, verb: str, before: Any, then: list[Any], message: str
) -> None:
    world.policy(before)
    world.operator(*then)

    result = world.run("rollout", verb, "inventario")

    assert result.exit_code == 1
    assert message in result.stderr


@pytest.mark.parametrize(
    ("verb", "before", "message"),
    [
        ("pause", PAUSED, "is paused already"),
        ("pause", SUCCEEDED, "No rollout of inventario is under way (Succeeded)"),
        ("pause", PROMOTING, "The promotion of inventario is under way"),
        ("promote", PROMOTING, "The promotion of inventario is under way"),
        ("promote", {"phase": "Idle"}, "No rollout of inventario is under way (Idle)"),
        ("resume", PROGRESSING, "is not paused (Progressing)"),
        ("resume", HELD, "is held, not paused (DependencyFault)"),
        ("abort", ENDING, "is ending"),
        ("retry", PROGRESSING, "only what was rolled back or has failed"),
        ("retry", SUCCEEDED, "only what was rolled back or has failed"),
    ],
)
def test_what_makes_no_sense_is_refused_at_once(
    world: World, verb: str, before: Any, message: str
) -> None:
    world.policy(before)

    result = world.run("rollout", verb, "inventario")

    assert result.exit_code == 1
    assert message in result.stderr
    assert patched(world) == []


def test_a_verb_that_is_pending_is_not_overwritten(world: World) -> None:
    world.policy(PROGRESSING)["metadata"]["annotations"] = {ANNOTATION: "pause"}

    result = world.run("rollout", "abort", "inventario")

    assert result.exit_code == 1
    assert "'pause' was asked of inventario before" in result.stderr
    assert f"kubectl annotate -n retail rp/inventario {ANNOTATION}-" in result.stderr
    assert patched(world) == []


def test_without_a_rollout_there_is_nothing_to_ask(world: World) -> None:
    world.policy()
    assert "has no spec.rollout" in world.run("rollout", "abort", "inventario").stderr

    world.policy(PROGRESSING, mode="Observe")
    assert "has mode Observe" in world.run("rollout", "abort", "inventario").stderr

    world.policy(PROGRESSING)["metadata"]["deletionTimestamp"] = "2026-11-24T11:59:00Z"
    assert "is being deleted" in world.run("rollout", "abort", "inventario").stderr

    assert world.run("rollout", "abort", "nobody").exit_code == 3


def test_a_request_is_left_without_waiting(world: World) -> None:
    world.policy(PROGRESSING)

    result = world.run("rollout", "pause", "inventario", "--no-wait")

    assert result.exit_code == 0
    assert "pause is asked of inventario" in result.stdout
    assert patched(world) == ["pause"]


def test_the_operators_refusal_is_passed_on(world: World) -> None:
    world.policy(PROGRESSING)
    world.operator(PROGRESSING)
    world.cluster.news = [
        event("pause: it is paused already."),
        event("promote: pods of dashboard-canary are not all ready."),
    ]

    result = world.run("rollout", "promote", "inventario")

    assert result.exit_code == 1
    assert "refused it for inventario: promote: pods of dashboard-canary are" in result.stderr


def test_a_refusal_that_the_operator_does_not_repeat_is_found(world: World) -> None:
    world.policy(PROGRESSING)
    world.operator(PROGRESSING)

    world.cluster.events = [
        {**event("promote: long ago."), "eventTime": "2026-11-24T11:00:00.000000Z"},
        {**event("promote: another one's."), "regarding": {"kind": "Pod", "name": "inventario"}},
        event("promote: the canary has just changed."),
    ]

    result = world.run("rollout", "promote", "inventario")

    assert result.exit_code == 1
    assert "promote: the canary has just changed." in result.stderr


def test_a_verb_of_which_nothing_comes_says_so(world: World) -> None:
    world.policy(PROGRESSING)
    world.operator(PROGRESSING)

    result = world.run("rollout", "promote", "inventario")

    assert result.exit_code == 1
    assert "has taken promote of inventario, and nothing has come of it" in result.stderr


def test_an_operator_that_does_not_run_is_noticed(world: World) -> None:
    world.policy(PROGRESSING)
    world.operator(takes=False)

    result = world.run("rollout", "pause", "inventario")

    assert result.exit_code == 1
    assert "has not taken pause of inventario within 30 s: see whether it runs" in result.stderr


def test_a_promotion_that_takes_too_long_goes_on(world: World) -> None:
    world.policy(PROGRESSING)
    world.operator(PROMOTING)

    result = world.run("rollout", "promote", "inventario", "--timeout", "1m")

    assert result.exit_code == 1
    assert "is not done after 60 s and goes on: Promoting, A person promoted it." in result.stderr


def test_a_change_in_between_is_looked_at_again(world: World) -> None:
    world.policy(PROGRESSING)
    world.operator(PAUSED)
    world.cluster.conflicts = 2
    assert world.run("rollout", "pause", "inventario").exit_code == 0

    world.policy(PROGRESSING)
    world.cluster.conflicts = 99
    assert "keeps changing" in world.run("rollout", "pause", "inventario").stderr


def test_an_api_server_that_is_away_for_a_moment_is_waited_for(world: World) -> None:
    world.policy(PROGRESSING)
    world.operator(PAUSED)
    turn = world.clock.each
    waits = iter(range(99))

    def away(now: float) -> None:
        turn(now)
        world.cluster.fails = TransientError("away") if next(waits) < 4 else None

    world.clock.each = away

    assert world.run("rollout", "pause", "inventario").exit_code == 0


def event(note: str) -> dict[str, Any]:
    return {
        "reason": "RolloutRequestRefused",
        "note": note,
        "eventTime": "2026-11-24T12:00:01.000000Z",
        "regarding": {"kind": "ResiliencePolicy", "name": "inventario"},
    }
