"""An answer that got lost is asked for once more; what is the query's own fault is not."""

from typing import cast

import pytest

from resilience_operator.controller.rollouts.sources import ASK_AGAIN_SECONDS, GuardedSources
from resilience_operator.core.rollout.model import MetricView
from resilience_operator.core.rollout.queries import QueryProblem
from resilience_operator.probes.http_check import HttpChecks
from resilience_operator.probes.prometheus_query import PrometheusQueries
from tests.unit.core.rollout.world import latency, make_rollout

Answer = float | QueryProblem

LATE = QueryProblem("QueryTimeout", "Prometheus gave no answer within 5 s.")
AWAY = QueryProblem("PrometheusUnreachable", "Prometheus answered with HTTP 502.")
REFUSED = QueryProblem("QueryRefused", "Prometheus cannot evaluate the query (HTTP 400).")


class Prometheus:
    """Gives these answers to each query, one after the other."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = answers
        self.asked: dict[str, int] = {}
        self.slept: list[float] = []

    async def instant(self, url: str, query: str, timeout_seconds: float) -> Answer:
        asked = self.asked[query] = self.asked.get(query, 0) + 1
        return self._answers[asked - 1]

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def look(self) -> MetricView:
        queries = cast(PrometheusQueries, self)
        sources = GuardedSources(queries, cast(HttpChecks, None), self.sleep)
        return (await sources.metrics("shop", make_rollout(latency()), 60))["p95"]


@pytest.mark.parametrize("lost", [LATE, AWAY])
async def test_one_lost_answer_is_no_blindness(lost: QueryProblem) -> None:
    prometheus = Prometheus(lost, 0.25)
    view = await prometheus.look()
    assert (view.canary_values, view.problem) == ((0.25,), "")
    assert prometheus.slept == [ASK_AGAIN_SECONDS] * 2  # of either arm


async def test_two_are() -> None:
    prometheus = Prometheus(AWAY, LATE)
    view = await prometheus.look()
    assert view.canary_values == ()
    assert "no answer within 5 s" in view.problem


async def test_a_refused_query_would_be_refused_again() -> None:
    prometheus = Prometheus(REFUSED, 0.25)
    view = await prometheus.look()
    assert "cannot evaluate" in view.problem
    assert (set(prometheus.asked.values()), prometheus.slept) == ({1}, [])
