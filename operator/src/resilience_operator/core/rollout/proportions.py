"""A proportion of both arms, compared: failures among requests, by the mixture test."""

import math

from resilience_operator.api.v1alpha1.rollout import Analysis, Metric
from resilience_operator.core.rollout.comparison import Comparison
from resilience_operator.core.rollout.model import Counts, MetricView
from resilience_operator.core.rollout.statistics import EXPECTED_FAILURES, above_p, difference_p

# Stable is out of the ordinary at twice its usual rate, and a percentage point.
_NORMAL_TIMES, _NORMAL_POINTS = 2.0, 1.0
_STANDARD_ERRORS = 3.0
_NOBODY = Counts(0.0, 0.0)


def compare(
    metric: Metric,
    analysis: Analysis,
    view: MetricView,
    normal: float | None,
    alpha: float,
    alone: bool,
) -> Comparison | None:
    """The comparison, or None where an arm that has traffic has no counts."""
    canary = _sane(view.canary)
    stable = _sane(view.stable) or (_NOBODY if alone else None)
    if canary is None or stable is None:
        return None
    least = canary.total if alone else min(canary.total, stable.total)
    ceiling = metric.max_percent if metric.max_percent is not None else normal
    share = None if ceiling is None else ceiling / 100.0
    if least < analysis.min_samples:
        return _described(stable, canary, f"{_count(canary, stable)}", few=True)
    over = _over(canary, share, alpha)
    if alone:
        evidence = f"mSPRT {_against(canary, share)}, {_count(canary)}; stable has no traffic"
        return _described(_NOBODY, canary, evidence, over=over)
    return _both(metric, stable, canary, share, alpha, over)


def _both(
    metric: Metric,
    stable: Counts,
    canary: Counts,
    share: float | None,
    alpha: float,
    over: bool,
) -> Comparison:
    p = difference_p(canary.failures, canary.total, stable.failures, stable.total)
    difference = _rate(canary) - _rate(stable)
    worse = difference > 0 and p <= alpha
    return _described(
        stable,
        canary,
        f"mSPRT {_p(p)}, {_count(canary, stable)}",
        worse=worse,
        increased=worse and difference > (metric.max_increase_percent or 0) / 100.0,
        better=difference < 0 and p <= alpha,
        over=over,
        stable_over=_over(stable, share, alpha),
        normal=_normal(stable),
    )


def _described(stable: Counts, canary: Counts, evidence: str, **answers: object) -> Comparison:
    return Comparison(_percent(stable), _percent(canary), evidence, **answers)  # type: ignore[arg-type]


def _sane(counts: Counts | None) -> Counts | None:
    """Counts within reason: an extrapolated increase may exceed the total a little."""
    if counts is None or not math.isfinite(counts.failures) or not math.isfinite(counts.total):
        return None
    total = max(counts.total, 0.0)
    return Counts(min(max(counts.failures, 0.0), total), total)


def _over(counts: Counts, share: float | None, alpha: float) -> bool:
    return share is not None and above_p(counts.failures, counts.total, share) <= alpha


def _normal(stable: Counts) -> float:
    rate = _rate(stable)
    unit = max(rate * (1.0 - rate), EXPECTED_FAILURES / stable.total)
    highest = rate + _STANDARD_ERRORS * math.sqrt(unit / stable.total)
    return round(min(100.0, _NORMAL_TIMES * 100.0 * highest + _NORMAL_POINTS), 2)


def _rate(counts: Counts) -> float:
    return counts.failures / counts.total if counts.total else 0.0


def _against(counts: Counts, share: float | None) -> str:
    if share is None:
        return "not asked: there is no ceiling"
    return f"against {100 * share:g} % {_p(above_p(counts.failures, counts.total, share))}"


def _count(*arms: Counts) -> str:
    return f"{sum(arm.total for arm in arms):,.0f} requests"


def _percent(counts: Counts) -> str:
    return f"{100 * _rate(counts):.2f} %" if counts.total else ""


def _p(value: float) -> str:
    return "p<0.0001" if value < 0.0001 else f"p={value:.2g}"
