"""The rollout engine: states, gates, attribution and statistics. Pure, like all of core."""

from resilience_operator.core.rollout.machine import decide, undo, wanted_weight

__all__ = ["decide", "undo", "wanted_weight"]
