"""A value of both arms, compared by rank: a latency's quantile, one pair per look."""

import math
from statistics import median

from resilience_operator.api.v1alpha1.rollout import Analysis, Metric
from resilience_operator.core.rollout.comparison import Comparison
from resilience_operator.core.rollout.model import MetricView
from resilience_operator.core.rollout.values import MIN_LOOKS, apart, greater_p

# Stable is out of the ordinary at twice its usual value.
_NORMAL_TIMES = 2.0

_Values = tuple[float, ...]


def compare(
    metric: Metric,
    analysis: Analysis,
    view: MetricView,
    normal: float | None,
    alpha: float,
    alone: bool,
) -> Comparison | None:
    """The comparison, or None where an arm that has traffic has no values."""
    canary = apart(view.canary_values, analysis.interval_seconds)
    stable = apart(view.stable_values, analysis.interval_seconds)
    # Stable's value is NaN where there was none: with no traffic it has no latency either.
    if not canary or not (alone or any(math.isfinite(value) for value in stable)):
        return None
    ceiling = metric.max if metric.max is not None else normal
    if alone:
        p = 1.0 if ceiling is None else greater_p([value > ceiling for value in canary])
        evidence = f"bets p={p:.2g}, {len(canary)} looks; stable has no traffic"
        over = p <= alpha
        few = len(canary) < MIN_LOOKS or (not over and _looks_over(canary, ceiling))
        return Comparison("", _text(canary), evidence, few=few, over=over)
    pairs = [
        pair for pair in zip(canary, stable, strict=False) if all(math.isfinite(v) for v in pair)
    ]
    if len(pairs) < MIN_LOOKS:
        return Comparison(_text(stable), _text(canary), f"{len(pairs)} looks", few=True)
    return _both(metric, pairs, ceiling, alpha)


def _both(
    metric: Metric, pairs: list[tuple[float, float]], ceiling: float | None, alpha: float
) -> Comparison:
    canary = tuple(pair[0] for pair in pairs)
    stable = tuple(pair[1] for pair in pairs)
    allowed = 1.0 + (metric.max_increase_percent or 0) / 100.0
    increase = greater_p([c > s * allowed for c, s in pairs])
    over, stable_over = _over(canary, ceiling, alpha), _over(stable, ceiling, alpha)
    # What seems too slow and is not proven so is no pass: a short step would end before the proof.
    seems_over = metric.max is not None and _looks_over(canary, ceiling) and not stable_over
    grown = median(canary) > median(stable) * allowed
    seems_worse = seems_over or (metric.max_increase_percent is not None and grown)
    return Comparison(
        _text(stable),
        _text(canary),
        f"bets p={increase:.2g}, {len(pairs)} looks",
        few=seems_worse and not over and increase > alpha,
        worse=greater_p([c > s for c, s in pairs]) <= alpha,
        increased=increase <= alpha,
        better=greater_p([s > c for c, s in pairs]) <= alpha,
        over=over,
        stable_over=stable_over,
        normal=_NORMAL_TIMES * median(stable),
    )


def _over(values: _Values, ceiling: float | None, alpha: float) -> bool:
    return ceiling is not None and greater_p([value > ceiling for value in values]) <= alpha


def _looks_over(values: _Values, ceiling: float | None) -> bool:
    return ceiling is not None and median(values) > ceiling


def _text(values: _Values) -> str:
    return f"{values[-1]:.4g}"
