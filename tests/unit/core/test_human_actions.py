"""What people did to a level, from how its levers were and are."""

from typing import Any

import pytest

from resilience_operator.api.v1alpha1.base import Condition, ConditionStatus, Level
from resilience_operator.api.v1alpha1.level import Freeze, LevelSpec, LevelStatus, Override
from resilience_operator.core.human_actions import (
    HumanAction,
    Levers,
    level_actions,
    levers,
    levers_before,
    rollout_action,
)
from resilience_operator.core.rollout.model import RolloutEvent, Verb
from resilience_operator.core.times import to_rfc3339

NOW = 1_700_000_000.0
KEY = ("retail", "inventario")
SOON, LATER = to_rfc3339(NOW + 60), to_rfc3339(NOW + 600)
NONE = LevelSpec.model_validate({"policyRef": {"name": "inventario"}})
OVERRIDE = Override(level=Level.MINIMAL, reason="drill", requested_by="eva", expires_at=SOON)
FREEZE = Freeze(reason="sale", expires_at=LATER)


def spec(**given: Any) -> LevelSpec:
    return NONE.model_copy(update=given)


def actions(before: Levers, now: Levers) -> list[HumanAction]:
    return list(level_actions(KEY, "inventario", "0123", before, now))


@pytest.mark.parametrize(
    ("before", "after", "at", "expected"),
    [
        (spec(), spec(), NOW, []),
        (spec(), spec(override=OVERRIDE), NOW, ["OverrideSet"]),
        (spec(override=OVERRIDE), spec(override=OVERRIDE), NOW, []),
        (spec(override=OVERRIDE), spec(override=OVERRIDE), NOW + 61, ["OverrideExpired"]),
        (spec(override=OVERRIDE), spec(), NOW, ["OverrideRemoved"]),
        (
            spec(override=OVERRIDE),
            spec(override=OVERRIDE.model_copy(update={"expires_at": LATER})),
            NOW,
            ["OverrideChanged"],
        ),
        (spec(override=OVERRIDE), spec(freeze=FREEZE), NOW, ["OverrideRemoved", "FreezeSet"]),
        (spec(freeze=FREEZE), spec(freeze=FREEZE), NOW + 601, ["FreezeExpired"]),
        (spec(), spec(override=OVERRIDE), NOW + 61, []),
    ],
)
def test_what_a_person_did(
    before: LevelSpec, after: LevelSpec, at: float, expected: list[str]
) -> None:
    found = actions(levers(before, NOW), levers(after, at))
    assert [each.action for each in found] == expected


def test_an_override_says_who_why_and_until_when() -> None:
    (action,) = actions(levers(spec(), NOW), levers(spec(override=OVERRIDE), NOW))
    assert action.message == f"eva forces inventario to MINIMAL until {SOON}: drill"
    assert action.facts == {
        "degradation_level": "inventario",
        "why": "drill",
        "until": SOON,
        "requested_by": "eva",
        "forced_level": "MINIMAL",
    }
    assert (action.policy, action.decision_id) == (KEY, "0123")


def test_a_freeze_says_why_and_until_when() -> None:
    (action,) = actions(levers(spec(), NOW), levers(spec(freeze=FREEZE), NOW))
    assert action.message == f"inventario is held as it is until {LATER}: sale"
    assert "requested_by" not in action.facts


def status(*types: str) -> LevelStatus:
    conditions = [
        Condition(
            type=type_,
            status=ConditionStatus.TRUE,
            reason=type_,
            message="",
            last_transition_time=SOON,
        )
        for type_ in types
    ]
    return LevelStatus(conditions=tuple(conditions))


@pytest.mark.parametrize(
    ("conditions", "found", "expected"),
    [
        (("Overridden",), spec(override=OVERRIDE), []),
        (("Overridden",), spec(), ["OverrideRemoved"]),
        (("Frozen",), spec(freeze=FREEZE), []),
        ((), spec(override=OVERRIDE), ["OverrideSet"]),
    ],
)
def test_a_restart_tells_only_what_was_not_told(
    conditions: tuple[str, ...], found: LevelSpec, expected: list[str]
) -> None:
    before = levers_before(found, status(*conditions))
    assert [each.action for each in actions(before, levers(found, NOW))] == expected


def test_a_verb_says_what_came_of_it() -> None:
    answer = RolloutEvent("Normal", "RolloutPaused", "A person paused it.")
    action = rollout_action(KEY, Verb.PAUSE, "kubectl", answer, "0123")
    assert (action.action, action.message) == ("RolloutPause", "A person paused it.")
    assert action.facts == {"outcome": "RolloutPaused", "field_manager": "kubectl"}
    assert rollout_action(KEY, Verb.ABORT, "", answer, "").facts == {"outcome": "RolloutPaused"}
