"""Weights and dependency health to one score, in integers.

The reference weights put single outages exactly on the edges of bands, where a float lands on one
side or the other by the order of summing. Numerators are compared and divided once, at the end.
"""

from collections.abc import Sequence

from resilience_operator.core.model import DependencyHealth, HealthScore


def score(dependencies: Sequence[DependencyHealth]) -> HealthScore:
    """`sum(weight * health) // sum(weight)` over the known dependencies, with its bounds.

    `low` and `high` are the score if whatever is not certain were 0 or 100. A health assumed from
    before a restart counts in the value but not in the bounds, which alone may move a level.
    """
    scored = [each for each in dependencies if each.weight > 0]
    known = [(each.weight, each.health) for each in scored if each.health is not None]
    certain = [(d.weight, d.health) for d in scored if d.health is not None and not d.assumed]
    total = sum(each.weight for each in scored)
    points = sum(weight * health for weight, health in certain)
    unsure = total - sum(weight for weight, _ in certain)
    return HealthScore(
        value=_mean(known),
        low=points // total if total else 0,
        high=(points + 100 * unsure) // total if total else 100,
        known=len(known),
        scored=len(scored),
        limiting=_limiting(scored),
    )


def _mean(weighted: Sequence[tuple[int, int]]) -> int | None:
    if not weighted:
        return None
    return sum(weight * health for weight, health in weighted) // sum(w for w, _ in weighted)


def _limiting(scored: Sequence[DependencyHealth]) -> str | None:
    """The dependency that costs most health; the first in the spec when several cost the same."""
    costs = [each.weight * (100 - each.health) if each.health is not None else 0 for each in scored]
    worst = max(costs, default=0)
    return scored[costs.index(worst)].name if worst else None
