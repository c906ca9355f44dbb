"""After the last step: stable gets the canary's template, and traffic goes home to it."""

from resilience_operator.core.rollout.model import RolloutPlan
from resilience_operator.core.rollout.turn import Turn


def promote(turn: Turn) -> RolloutPlan:
    """One step of the promotion."""
    return turn.plan()
