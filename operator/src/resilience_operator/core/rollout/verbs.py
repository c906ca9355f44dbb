"""What a person asks of a rollout, and what comes of it."""

from resilience_operator.core.rollout.turn import Turn


def obey(turn: Turn) -> Turn:
    """The turn after the verb, if there is one."""
    return turn
