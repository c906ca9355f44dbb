"""Names of decisions: the same before and after a restart, another for another decision."""

from dataclasses import replace

import pytest

from resilience_operator.api.v1alpha1.base import Level
from resilience_operator.api.v1alpha1.level import LevelStatus
from resilience_operator.api.v1alpha1.policy_status import BreakerPhase
from resilience_operator.api.v1alpha1.rollout_status import RolloutPhase, RolloutStatus
from resilience_operator.core import decisions
from resilience_operator.core.level_state import restore_level
from resilience_operator.core.model import BreakerState, LevelState
from resilience_operator.core.times import to_rfc3339

AT = 1_700_000_000.75
LIMITED = LevelState(Level.LIMITED, since=AT)
OPEN = BreakerState(BreakerPhase.OPEN, opened_at=AT)
HELD = RolloutStatus(
    phase=RolloutPhase.HELD,
    step=2,
    revision="abc",
    started_at="2026-01-01T00:00:00Z",
    held_since="2026-01-01T00:05:00Z",
    reason="DependencyFault",
)


def test_a_level_keeps_its_name_over_a_restart() -> None:
    before = decisions.of_level("uid", "inventario", LIMITED)
    status = LevelStatus(level=Level.LIMITED, since=to_rfc3339(AT))
    assert decisions.of_level("uid", "inventario", restore_level(status)) == before
    assert len(before) == decisions.LENGTH
    assert set(before) <= set("0123456789abcdef")


@pytest.mark.parametrize(
    ("uid", "name", "state"),
    [
        ("other", "inventario", LIMITED),
        ("uid", "checkout", LIMITED),
        ("uid", "inventario", replace(LIMITED, level=Level.MINIMAL)),
        ("uid", "inventario", replace(LIMITED, since=AT + 1)),
    ],
)
def test_another_decision_has_another_name(uid: str, name: str, state: LevelState) -> None:
    assert decisions.of_level(uid, name, state) != decisions.of_level("uid", "inventario", LIMITED)


def test_before_the_first_decision_there_is_no_name() -> None:
    assert decisions.of_level("uid", "inventario", LevelState()) == ""
    assert decisions.of_rollout("uid", RolloutStatus()) == ""


def test_a_breaker_has_one_name_from_opening_to_closing() -> None:
    opened = decisions.of_breaker("uid", "redis", OPEN)
    trial = replace(OPEN, phase=BreakerPhase.HALF_OPEN, successes=1)
    assert decisions.of_breaker("uid", "redis", trial) == opened
    closed = replace(OPEN, phase=BreakerPhase.CLOSED, closed_at=AT + 9)
    assert decisions.of_breaker("uid", "redis", closed) != opened
    assert decisions.of_breaker("uid", "postgres", OPEN) != opened


@pytest.mark.parametrize(
    "change",
    [
        {"phase": RolloutPhase.PROGRESSING},
        {"step": 3},
        {"reason": "Blind"},
        {"held_since": "2026-01-01T00:06:00Z"},
        {"revision": "abd"},
        {"started_at": "2026-01-02T00:00:00Z"},
    ],
)
def test_a_rollout_that_stands_elsewhere_has_another_name(change: dict[str, object]) -> None:
    name = decisions.of_rollout("uid", HELD)
    assert decisions.of_rollout("uid", HELD.model_copy(update=change)) != name
    # What only says how it goes on is no decision.
    assert decisions.of_rollout("uid", HELD.model_copy(update={"held_seconds": 9})) == name
