"""Names of decisions: twelve characters that the lines, events and spans of one have in common.

A name is made of what status keeps of the decision, so that it is the same before and after a
restart, and anybody who has the status can tell which lines are about it.
"""

import hashlib

from resilience_operator.api.v1alpha1.policy_status import BreakerPhase
from resilience_operator.api.v1alpha1.rollout_status import RolloutStatus
from resilience_operator.core.model import BreakerState, LevelState
from resilience_operator.core.times import to_rfc3339

LENGTH = 12


def of_level(uid: str, name: str, state: LevelState) -> str:
    """The decision that put a DegradationLevel where it stands; empty before the first.

    Of the policy's uid and the level's name, `status.level` and `status.since`.
    """
    if state.level is None or state.since is None:
        return ""
    return _name(uid, "level", name, state.level, to_rfc3339(state.since))


def of_breaker(uid: str, dependency: str, state: BreakerState) -> str:
    """The opening or the closing of a dependency's breaker; half-open is still open.

    Of the policy's uid and the dependency's name, its state and `openedAt` or `closedAt`.
    """
    closed = state.phase is BreakerPhase.CLOSED
    phase = BreakerPhase.CLOSED if closed else BreakerPhase.OPEN
    at = state.closed_at if closed else state.opened_at
    return _name(uid, "breaker", dependency, phase, "" if at is None else to_rfc3339(at))


def of_rollout(uid: str, status: RolloutStatus) -> str:
    """The decision that put a rollout where it stands; empty before the first.

    Of the policy's uid and, in `status.rollout`, the revision, `startedAt`, the phase, the step,
    the reason and `heldSince`.
    """
    if not status.revision:
        return ""
    return _name(
        *(uid, "rollout", status.revision, status.started_at or ""),
        *(status.phase, str(status.step), status.reason, status.held_since or ""),
    )


def _name(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:LENGTH]
