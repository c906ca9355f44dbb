"""A level's state to and from its status, so that a restart goes on where it stopped.

Holds that were running are not kept: they begin anew, which is the slow side to err on.
"""

from resilience_operator.api.v1alpha1.base import Condition, ConditionStatus
from resilience_operator.api.v1alpha1.level import LevelStatus, Transition
from resilience_operator.core.model import LevelState, LevelTransition
from resilience_operator.core.times import from_rfc3339, to_rfc3339

OVERRIDDEN = "Overridden"
FROZEN = "Frozen"


def restore_level(status: LevelStatus) -> LevelState:
    """The state to go on with after a restart."""
    return LevelState(
        level=status.level,
        since=from_rfc3339(status.since),
        transitions=tuple(_from_status(each) for each in status.transitions),
        overridden=any(_overridden(each) for each in status.conditions),
    )


def transition_statuses(state: LevelState) -> tuple[Transition, ...]:
    """The transitions as status keeps them."""
    return tuple(
        Transition(
            from_=each.from_level, to=each.to_level, at=to_rfc3339(each.at), reason=each.reason
        )
        for each in state.transitions
    )


def _from_status(given: Transition) -> LevelTransition:
    return LevelTransition(given.from_, given.to, from_rfc3339(given.at) or 0.0, given.reason)


def _overridden(condition: Condition) -> bool:
    return condition.type == OVERRIDDEN and condition.status is ConditionStatus.TRUE
