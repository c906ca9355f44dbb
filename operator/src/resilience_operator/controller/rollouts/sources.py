"""Where a rollout's figures come from: Prometheus, and the URLs of its checks."""

from collections.abc import Awaitable, Callable, Mapping

from resilience_operator.api.v1alpha1.rollout import HttpCheck, Rollout
from resilience_operator.core.rollout.model import CheckView, MetricView
from resilience_operator.core.rollout.queries import QueryArm, QueryProblem
from resilience_operator.probes.http_check import HttpChecks
from resilience_operator.probes.prometheus_query import LOST, PrometheusQueries
from resilience_operator.probes.rollout_metrics import gather_metrics

TIMEOUT_SECONDS = 5.0
# One answer that gets lost makes nobody blind, which would void the window and be told of.
ASK_AGAIN_SECONDS = 2.0


class GuardedSources:
    """Asks through the guarded HTTP client, each question with its own time limit."""

    def __init__(
        self,
        queries: PrometheusQueries,
        checks: HttpChecks,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._queries = queries
        self._checks = checks
        self._sleep = sleep

    async def metrics(
        self, namespace: str, rollout: Rollout, window_seconds: int
    ) -> Mapping[str, MetricView]:
        """Every metric of both arms over the window; problems are in the views."""
        server = rollout.analysis.prometheus
        if server is None:
            return {}

        async def ask(query: str) -> float | QueryProblem:
            answer = await self._queries.instant(server.url, query, TIMEOUT_SECONDS)
            if isinstance(answer, QueryProblem) and answer.reason in LOST:
                await self._sleep(ASK_AGAIN_SECONDS)
                answer = await self._queries.instant(server.url, query, TIMEOUT_SECONDS)
            return answer

        stable, canary = (
            QueryArm(service=arm.service, deployment=arm.deployment, namespace=namespace)
            for arm in (rollout.stable, rollout.canary)
        )
        return await gather_metrics(rollout.analysis, stable, canary, window_seconds, ask)

    async def check(self, namespace: str, check: HttpCheck) -> CheckView:
        """Whether the URL answers 200."""
        return await self._checks.check(namespace, check, TIMEOUT_SECONDS)
