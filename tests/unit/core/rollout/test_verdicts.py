"""What a metric says of the canary."""

import math
from typing import Any

import pytest

from resilience_operator.api.v1alpha1.rollout import Metric
from resilience_operator.api.v1alpha1.rollout_status import MetricStatus, MetricVerdict
from resilience_operator.core.rollout.model import Counts, MetricView
from resilience_operator.core.rollout.verdicts import Circumstances, cleared, look
from tests.unit.core.rollout.world import error_rate, latency, make_rollout

PASSING, WORSE, BOTH_BAD, TOO_FEW, MISSING = MetricVerdict
USUAL = Circumstances(window=1, early=False, alone=False, healthy=True)
ALONE = Circumstances(window=1, early=False, alone=True, healthy=True)
EARLY = Circumstances(window=1, early=True, alone=False, healthy=True)


def judged(
    metric: Metric, view: MetricView, given: Circumstances = USUAL, normal: float | None = None
) -> MetricStatus:
    spec = make_rollout(metric).analysis
    known = MetricStatus(name=metric.name, verdict=PASSING, normal=normal)
    return look(spec, {view.name: view}, {metric.name: known}, given)[0]


def counts(stable: tuple[float, float] | None, canary: tuple[float, float] | None) -> MetricView:
    return MetricView(
        "error-rate",
        None if stable is None else Counts(*stable),
        None if canary is None else Counts(*canary),
    )


def values(stable: float, canary: float, minutes: int = 30) -> MetricView:
    looks = minutes * 4
    return MetricView("p95", stable_values=(stable,) * looks, canary_values=(canary,) * looks)


@pytest.mark.parametrize(
    ("bounds", "stable", "canary", "verdict"),
    [
        ({"max_increase_percent": 1}, (500, 50_000), (25, 2500), PASSING),
        ({"max_increase_percent": 1}, (500, 50_000), (75, 2500), WORSE),
        ({"max_increase_percent": 3}, (500, 50_000), (75, 2500), PASSING),
        ({"max_percent": 5}, (500, 50_000), (75, 2500), PASSING),
        ({"max_percent": 5}, (500, 50_000), (250, 2500), WORSE),
        ({"max_percent": 5}, (5000, 50_000), (250, 2500), BOTH_BAD),
        ({"max_percent": 5}, (5000, 50_000), (500, 2500), BOTH_BAD),
        ({"max_percent": 5, "max_increase_percent": 1}, (5000, 50_000), (500, 2500), WORSE),
        ({"max_percent": 5}, (5000, 50_000), (25, 2500), PASSING),
        ({}, (500, 50_000), (75, 2500), WORSE),
        ({"max_percent": 5}, (500, 50_000), (4, 499), TOO_FEW),
        ({"max_percent": 5}, (4, 499), (500, 50_000), TOO_FEW),
        ({"max_percent": 0}, (0, 50_000), (0, 2500), PASSING),
    ],
)
def test_proportions(
    bounds: dict[str, Any],
    stable: tuple[float, float],
    canary: tuple[float, float],
    verdict: MetricVerdict,
) -> None:
    metric = error_rate().model_copy(
        update={"max_percent": None, "max_increase_percent": None, **bounds}
    )
    assert judged(metric, counts(stable, canary)).verdict is verdict


@pytest.mark.parametrize(
    ("bounds", "stable", "canary", "verdict"),
    [
        ({"max": 0.5}, 0.2, 0.2, PASSING),
        ({"max": 0.5}, 0.2, 0.4, PASSING),
        ({"max": 0.5}, 0.2, 0.6, WORSE),
        ({"max": 0.5}, 0.6, 0.6, BOTH_BAD),
        ({"max": 0.5}, 0.6, 0.7, BOTH_BAD),
        ({"max": 0.5}, 0.6, 0.3, PASSING),
        ({"max_increase_percent": 20}, 0.2, 0.23, PASSING),
        ({"max_increase_percent": 20}, 0.2, 0.25, WORSE),
        ({"max": 0.5, "max_increase_percent": 20}, 0.6, 0.8, WORSE),
    ],
)
def test_values(
    bounds: dict[str, Any], stable: float, canary: float, verdict: MetricVerdict
) -> None:
    assert judged(latency(**bounds), values(stable, canary)).verdict is verdict


def test_a_few_looks_are_no_evidence() -> None:
    assert judged(latency(max=0.5), values(0.2, 0.9, minutes=4)).verdict is TOO_FEW


@pytest.mark.parametrize(
    "view",
    [
        counts(None, (1, 1000)),
        counts((1, 1000), None),
        counts((math.nan, 1000), (1, 1000)),
        counts((1, math.inf), (1, 1000)),
        MetricView("error-rate", problem="For canary: the query has no result."),
    ],
)
def test_what_is_missing_is_never_zero(view: MetricView) -> None:
    found = judged(error_rate(), view)
    assert found.verdict is MISSING
    assert found.evidence
    assert judged(error_rate(), view, EARLY).verdict is TOO_FEW


def test_a_metric_without_a_view_is_missing() -> None:
    assert look(make_rollout(latency()).analysis, {}, {}, USUAL)[0].verdict is MISSING


def test_counts_bent_by_extrapolation_are_put_straight() -> None:
    found = judged(error_rate(), counts((-1, 50_000), (2600, 2500)))
    assert (found.stable, found.canary) == ("0.00 %", "100.00 %")


def test_alone_only_the_ceiling_counts() -> None:
    increase = error_rate(max_increase_percent=1)
    assert judged(increase, counts(None, (500, 2500)), ALONE).verdict is PASSING
    assert judged(error_rate(), counts(None, (500, 2500)), ALONE).verdict is WORSE
    assert judged(error_rate(), counts((0, 3), (25, 2500)), ALONE).verdict is PASSING
    assert judged(error_rate(), counts(None, (4, 499)), ALONE).verdict is TOO_FEW
    assert judged(error_rate(), counts(None, None), ALONE).verdict is MISSING
    one = MetricView("p95", canary_values=(0.9,) * 120)
    assert judged(latency(max=0.5), one, ALONE).verdict is WORSE
    assert judged(latency(max_increase_percent=5), one, ALONE).verdict is PASSING
    assert "no traffic" in judged(latency(max=0.5), one, ALONE).evidence


def test_the_evidence_is_told() -> None:
    found = judged(error_rate(), counts((475, 47_500), (40, 2500)))
    assert (found.stable, found.canary) == ("1.00 %", "1.60 %")
    assert found.evidence == "mSPRT p=0.15, 50,000 requests"
    assert judged(error_rate(), counts((475, 47_500), (75, 2500))).evidence == (
        "mSPRT p<0.0001, 50,000 requests"
    )
    assert judged(latency(max=0.5), values(0.2, 0.2)).evidence == "bets p=1, 30 looks"


def test_what_is_normal_is_learnt_once_and_only_on_a_good_day() -> None:
    metric = error_rate(max_increase_percent=1)
    good, bad = counts((500, 50_000), (25, 2500)), counts((5000, 50_000), (250, 2500))
    learnt = judged(metric, good).normal
    assert learnt == pytest.approx(3.27, abs=0.01)
    assert judged(metric, good, normal=2.0).normal == 2.0
    degraded = Circumstances(window=1, early=False, alone=False, healthy=False)
    assert judged(metric, good, degraded).normal is None
    assert judged(metric, bad, normal=learnt).verdict is BOTH_BAD
    usual = judged(latency(max_increase_percent=20), values(0.2, 0.2)).normal
    assert usual == pytest.approx(0.4)


def test_a_window_that_begins_forgets_all_but_what_is_normal() -> None:
    found = judged(error_rate(), counts((500, 50_000), (25, 2500)))
    assert cleared((found,)) == (
        MetricStatus(name="error-rate", verdict=TOO_FEW, normal=found.normal),
    )


def test_later_windows_and_more_metrics_take_more_evidence() -> None:
    view = counts((475, 47_500), (54, 2500))
    assert judged(error_rate(), view).verdict is WORSE
    later = Circumstances(window=200, early=False, alone=False, healthy=True)
    assert judged(error_rate(), view, later).verdict is PASSING


@pytest.mark.parametrize("given", [USUAL, ALONE])
def test_a_version_that_seems_slow_does_not_pass_before_it_is_proven_to_be(
    given: Circumstances,
) -> None:
    """A short step would otherwise end before the proof, and the version be promoted."""
    metric = latency(max=0.5)
    assert judged(metric, values(0.1, 0.9, minutes=6), given).verdict is TOO_FEW
    assert judged(metric, values(0.1, 0.9, minutes=30), given).verdict is WORSE
    assert judged(metric, values(0.1, 0.4, minutes=6), given).verdict is PASSING


def test_what_is_slow_on_both_is_not_the_versions_to_prove() -> None:
    metric = latency(max=0.5)
    assert judged(metric, values(0.9, 0.9, minutes=30)).verdict is BOTH_BAD
