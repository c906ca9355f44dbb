"""What each metric says of the canary: from counts and values to a verdict with its evidence.

Worse: significantly above stable, by more than `maxIncreasePercent`; or over the metric's ceiling
and significantly above a stable that is not. BothBad: over the ceiling and not Worse, or stable is
over it and the canary not significantly better: the fault is not the version's. Where the spec has
no ceiling, what stable was in its first good look tells what is bad. When the canary has all the
traffic there is no stable to compare with: only ceilings count.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from resilience_operator.api.v1alpha1.rollout import Analysis, Metric
from resilience_operator.api.v1alpha1.rollout_status import MetricStatus, MetricVerdict
from resilience_operator.core.rollout import proportions, ranks
from resilience_operator.core.rollout.comparison import Comparison
from resilience_operator.core.rollout.model import MetricView
from resilience_operator.core.rollout.statistics import alpha_of


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What all metrics of one look have in common."""

    # The number of the analysis window, from 1.
    window: int
    # So soon after the window began that nothing can have been scraped yet.
    early: bool
    # The canary has all the traffic.
    alone: bool
    # No dependency is in trouble: what stable is now is normal.
    healthy: bool


def look(
    analysis: Analysis,
    views: Mapping[str, MetricView],
    before: Mapping[str, MetricStatus],
    given: Circumstances,
) -> tuple[MetricStatus, ...]:
    """The verdict of every metric in the spec."""
    return tuple(
        _one(
            metric,
            analysis,
            views.get(metric.name, MetricView(metric.name)),
            before.get(metric.name),
            given,
        )
        for metric in analysis.metrics
    )


def cleared(metrics: tuple[MetricStatus, ...]) -> tuple[MetricStatus, ...]:
    """The metrics at the beginning of a window: nothing is known but what is normal."""
    return tuple(
        MetricStatus(name=each.name, verdict=MetricVerdict.TOO_FEW_SAMPLES, normal=each.normal)
        for each in metrics
    )


def _one(
    metric: Metric,
    analysis: Analysis,
    view: MetricView,
    before: MetricStatus | None,
    given: Circumstances,
) -> MetricStatus:
    normal = before.normal if before else None
    alpha = alpha_of(len(analysis.metrics), given.window)
    compare = proportions.compare if metric.proportion is not None else ranks.compare
    found = compare(metric, analysis, view, normal, alpha, given.alone)
    if found is None:
        return _missing(metric, view, normal, given)
    verdict = MetricVerdict.TOO_FEW_SAMPLES if found.few else _verdict(metric, found, given.alone)
    settled = verdict is MetricVerdict.PASSING and given.healthy and not given.alone
    return MetricStatus(
        name=metric.name,
        verdict=verdict,
        stable=found.stable,
        canary=found.canary,
        evidence=found.evidence,
        normal=found.normal if normal is None and settled else normal,
    )


def _missing(
    metric: Metric, view: MetricView, normal: float | None, given: Circumstances
) -> MetricStatus:
    verdict = MetricVerdict.TOO_FEW_SAMPLES if given.early else MetricVerdict.MISSING
    why = view.problem or "the query has no result"
    return MetricStatus(name=metric.name, verdict=verdict, evidence=why[:256], normal=normal)


def _verdict(metric: Metric, found: Comparison, alone: bool) -> MetricVerdict:
    ceiling = metric.max_percent if metric.proportion is not None else metric.max
    if alone:
        over = ceiling is not None and found.over
        return MetricVerdict.WORSE if over else MetricVerdict.PASSING
    increase_counts = metric.max_increase_percent is not None or ceiling is None
    if increase_counts and found.increased:
        return MetricVerdict.WORSE
    if ceiling is not None and found.over and found.worse and not found.stable_over:
        return MetricVerdict.WORSE
    if found.over or (found.stable_over and not found.better):
        return MetricVerdict.BOTH_BAD
    return MetricVerdict.PASSING
