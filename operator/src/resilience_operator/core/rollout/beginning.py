"""Before the first step: when a rollout starts, and what it waits for."""

from resilience_operator.core.rollout.model import RolloutPlan
from resilience_operator.core.rollout.turn import Turn


def rest(turn: Turn) -> RolloutPlan:
    """Nothing is under way; a canary that has not finished yet starts a rollout."""
    return turn.plan()


def start_over(turn: Turn) -> Turn:
    """The canary has changed in mid-rollout: the new revision starts from the beginning."""
    return turn


def wait(turn: Turn) -> RolloutPlan:
    """Until everything is there for the first step."""
    return turn.plan()
