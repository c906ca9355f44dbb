"""From the first step to the last: weights, holds and the analysis."""

from resilience_operator.core.rollout.model import RolloutPlan
from resilience_operator.core.rollout.turn import Turn


def proceed(turn: Turn) -> RolloutPlan:
    """One decision at a step."""
    return turn.plan()
