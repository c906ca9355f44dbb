"""How long a better level must last before a step up is taken.

The hold doubles with every recent relapse. Relapses are counted from the recorded transitions
alone, which status keeps, so that a restart of the operator does not make it hasty.
"""

from collections.abc import Sequence
from itertools import pairwise

from resilience_operator.api.v1alpha1.policy import Stabilization
from resilience_operator.core.bands import rank
from resilience_operator.core.explanation import RECOVERY_REASONS
from resilience_operator.core.model import LevelTransition

# A fall within so many holds after a step up shows that the step came too early.
RELAPSE_WITHIN_HOLDS = 4
# A relapse counts for so many of the longest holds; then it is forgotten.
MEMORY_IN_LONGEST_HOLDS = 4


def hold_seconds(transitions: Sequence[LevelTransition], spec: Stabilization, now: float) -> int:
    """Seconds that a better level must last now."""
    longest = max(spec.recover_after_seconds, spec.max_recover_after_seconds)
    return int(min(spec.recover_after_seconds << relapses(transitions, spec, now), longest))


def relapses(transitions: Sequence[LevelTransition], spec: Stabilization, now: float) -> int:
    """Falls soon after a step up that are still remembered. A fall in several steps counts once."""
    longest = max(spec.recover_after_seconds, spec.max_recover_after_seconds)
    within = RELAPSE_WITHIN_HOLDS * spec.recover_after_seconds
    return sum(
        1
        for up, down in pairwise(transitions)
        if up.reason in RECOVERY_REASONS
        and _is_fall(down)
        and down.at - up.at <= within
        and now - down.at <= MEMORY_IN_LONGEST_HOLDS * longest
    )


def _is_fall(transition: LevelTransition) -> bool:
    before = transition.from_level
    return before is not None and rank(transition.to_level) > rank(before)
