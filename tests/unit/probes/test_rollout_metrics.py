"""A look at all metrics of both arms."""

import asyncio
import math

import pytest

from resilience_operator.api.v1alpha1.rollout import Analysis
from resilience_operator.core.rollout.model import Counts, MetricView
from resilience_operator.core.rollout.queries import QueryArm, QueryProblem
from resilience_operator.probes.rollout_metrics import CONCURRENCY, RECENT_SECONDS, gather_metrics

STABLE = QueryArm("web", "web", "retail")
CANARY = QueryArm("web-canary", "web-canary", "retail")
NONE = QueryProblem("QueryNoResult", "The query gave no result.")

ANALYSIS = Analysis.model_validate(
    {
        "metrics": [
            {
                "name": "errors",
                "proportion": {"failures": "bad({{service}})", "total": "all({{service}})"},
            },
            {"name": "p95", "value": "p95({{deployment}})"},
        ]
    }
)


class Prometheus:
    """Answers by the query; counts how many are asked at once."""

    def __init__(self) -> None:
        self.answers: dict[str, float | QueryProblem] = {
            "bad(web)": 1.0,
            "all(web)": 100.0,
            "bad(web-canary)": 2.0,
            "all(web-canary)": 50.0,
            "p95(web)": 0.1,
            "p95(web-canary)": 0.2,
        }
        self.now = 0
        self.most = 0
        self.asked = 0

    def set(self, query: str, answer: float | QueryProblem) -> "Prometheus":
        self.answers[query] = answer
        return self

    async def ask(self, query: str) -> float | QueryProblem:
        self.now += 1
        self.asked += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0)
        self.now -= 1
        return self.answers[query]


LONG = Analysis.model_validate(
    {
        "metrics": [
            {"name": "errors", "proportion": {"failures": "bad", "total": "all[{{window}}]"}},
        ]
    }
)


async def look(prometheus: Prometheus) -> dict[str, MetricView]:
    return await gather_metrics(ANALYSIS, STABLE, CANARY, 60, prometheus.ask)


async def test_both_arms() -> None:
    prometheus = Prometheus()
    views = await look(prometheus)
    assert views == {
        "errors": MetricView("errors", Counts(1, 100), Counts(2, 50)),
        "p95": MetricView("p95", stable_values=(0.1,), canary_values=(0.2,)),
    }
    assert 1 < prometheus.most <= CONCURRENCY


async def test_no_failure_counted_yet_is_none_where_requests_are_counted() -> None:
    views = await look(Prometheus().set("bad(web-canary)", NONE))
    assert views["errors"].canary == Counts(0, 50)
    assert views["errors"].problem == ""


async def test_without_requests_there_are_no_failures_either() -> None:
    views = await look(Prometheus().set("bad(web)", NONE).set("all(web)", NONE))
    assert views["errors"].stable is None
    assert views["errors"].canary == Counts(2, 50)
    assert views["errors"].problem == "For stable: The query gave no result."


async def test_another_problem_with_failures_is_no_zero() -> None:
    broken = QueryProblem("QueryNotFinite", "The query gave no finite number.")
    views = await look(Prometheus().set("bad(web-canary)", broken))
    assert views["errors"].canary is None
    assert views["errors"].problem == "For canary: The query gave no finite number."


async def test_extrapolated_counts_stay_a_proportion() -> None:
    views = await look(Prometheus().set("bad(web)", 100.4).set("bad(web-canary)", -0.1))
    assert views["errors"].stable == Counts(100, 100)
    assert views["errors"].canary == Counts(0, 50)


async def test_values_come_in_pairs() -> None:
    views = await look(Prometheus().set("p95(web-canary)", NONE))
    assert views["p95"] == MetricView("p95", problem="For canary: The query gave no result.")


async def test_a_stable_without_traffic_has_no_value_and_the_canarys_counts() -> None:
    view = (await look(Prometheus().set("p95(web)", NONE)))["p95"]
    assert [math.isnan(value) for value in view.stable_values] == [True]
    assert len(view.canary_values) == 1


async def test_an_unknown_placeholder_asks_nothing() -> None:
    analysis = Analysis.model_validate({"metrics": [{"name": "x", "value": "{{pod}}"}]})
    views = await gather_metrics(analysis, STABLE, CANARY, 60, Prometheus().ask)
    assert "{{pod}}" in views["x"].problem


@pytest.mark.parametrize(
    ("recent", "counts", "problem"),
    [
        (0.0, Counts(1, 900), ""),  # nobody came, and that was counted
        (NONE, None, "Prometheus has stopped scraping it."),
        (QueryProblem("QueryTimeout", "No answer."), None, "No answer."),
    ],
)
async def test_a_long_window_counts_while_its_last_minutes_do(
    recent: float | QueryProblem, counts: Counts | None, problem: str
) -> None:
    prometheus = Prometheus().set("bad", 1.0).set("all[901s]", 900.0)
    prometheus.set(f"all[{RECENT_SECONDS}s]", recent)
    views = await gather_metrics(LONG, STABLE, CANARY, 901, prometheus.ask)
    assert views["errors"].canary == counts
    assert views["errors"].problem.endswith(problem)
    assert bool(views["errors"].problem) == bool(problem)


async def test_a_window_of_the_last_minutes_is_asked_for_once() -> None:
    prometheus = Prometheus().set("bad", 1.0).set(f"all[{RECENT_SECONDS}s]", 900.0)
    views = await gather_metrics(LONG, STABLE, CANARY, RECENT_SECONDS, prometheus.ask)
    assert views["errors"].stable == Counts(1, 900)
    assert prometheus.asked == 4
