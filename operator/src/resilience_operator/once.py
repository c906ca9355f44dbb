"""`python -m resilience_operator.once`: asks dependencies and queries once, as this replica would.

Preflight runs it in the operator's pod, for policies that are not applied yet: with that pod's
network, its settings of what may be reached, and the Secrets that its service account may read. An
`Inquiry` comes in on a line of standard input, and `Answers` go out on one. It writes nothing.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine, Iterator
from importlib.metadata import version
from typing import Any, TypeVar

from resilience_operator.api.inquiry import (
    Answer,
    Answers,
    Ask,
    CheckAnswer,
    DependencyAnswer,
    Inquiry,
    QueryAnswer,
)
from resilience_operator.api.v1alpha1.parse import InvalidResource, parse_policy
from resilience_operator.api.v1alpha1.policy import Dependency
from resilience_operator.api.v1alpha1.rollout import Analysis, HttpCheck, Rollout
from resilience_operator.core.rollout.queries import QueryArm, QueryProblem, render_query
from resilience_operator.core.rollout.values import block_seconds
from resilience_operator.core.targets import typed
from resilience_operator.kube.client import KubeClient
from resilience_operator.kube.connection import connect
from resilience_operator.kube.secrets import SecretReader
from resilience_operator.probes.http_check import HttpChecks
from resilience_operator.probes.prober import Prober
from resilience_operator.probes.prometheus_query import PrometheusQueries
from resilience_operator.probes.toolkit import Toolkit
from resilience_operator.reach import api_server_addresses, build_guard, control_name
from resilience_operator.runtime.clock import SystemClock
from resilience_operator.settings import Settings, load

_T = TypeVar("_T")

LONGEST_SECONDS = 300
"""Whoever asked has gone by then."""
AT_ONCE = 32
QUERY_SECONDS = 5.0
COUNT_WINDOW_SECONDS = 300
"""How far back counts look: long enough for two scrapes, which an increase needs."""


class Asker:
    """Asks, a few at a time."""

    def __init__(self, prober: Prober, kit: Toolkit) -> None:
        self._prober = prober
        self._queries = PrometheusQueries(kit)
        self._checks = HttpChecks(kit)
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def answer(self, ask: Ask) -> Answer:
        """Everything about one policy."""
        metadata = {"namespace": ask.namespace, "name": ask.name, "uid": ""}
        try:
            spec = parse_policy({"metadata": metadata, "spec": ask.spec}).spec
        except InvalidResource as error:
            return Answer(namespace=ask.namespace, name=ask.name, problem=str(error))
        wanted = spec.dependencies if ask.dependencies else ()
        dependencies, queries, checks = await asyncio.gather(
            self._all(self._dependency(ask.namespace, each) for each in wanted),
            self._all(self._rollout_queries(ask.namespace, spec.rollout)),
            self._all(self._check(ask.namespace, each) for each in _checks_of(spec.rollout)),
        )
        return Answer(
            namespace=ask.namespace,
            name=ask.name,
            dependencies=tuple(dependencies),
            queries=tuple(queries),
            checks=tuple(checks),
        )

    async def _all(self, asked: Iterator[Coroutine[Any, Any, _T]]) -> list[_T]:
        return await asyncio.gather(*(self._slot(one) for one in asked))

    async def _slot(self, asked: Coroutine[Any, Any, _T]) -> _T:
        async with self._slots:
            return await asked

    async def _dependency(self, namespace: str, dependency: Dependency) -> DependencyAnswer:
        _, options = typed(dependency.probe)
        result = await self._prober.probe(namespace, options, dependency.probe.timeout_seconds)
        return DependencyAnswer(
            name=dependency.name,
            verdict=result.verdict.value,
            reason=result.reason.value if result.reason else "",
            message=result.message,
            latency_milliseconds=round(result.latency_ms),
        )

    def _rollout_queries(
        self, namespace: str, rollout: Rollout | None
    ) -> Iterator[Coroutine[Any, Any, QueryAnswer]]:
        if rollout is None or rollout.analysis.prometheus is None:
            return
        for word, arm in (("stable", rollout.stable), ("canary", rollout.canary)):
            names = QueryArm(service=arm.service, deployment=arm.deployment, namespace=namespace)
            for metric, query, template, window in _templates(rollout.analysis):
                blank = QueryAnswer(metric=metric, arm=word, query=query)
                url = rollout.analysis.prometheus.url
                yield self._query(blank, url, render_query(template, names, window))

    async def _query(self, blank: QueryAnswer, url: str, query: str | QueryProblem) -> QueryAnswer:
        if isinstance(query, str):
            query_or_problem = await self._queries.instant(url, query, QUERY_SECONDS)
        else:
            query_or_problem = query
        if isinstance(query_or_problem, QueryProblem):
            told = {"reason": query_or_problem.reason, "message": query_or_problem.message}
            return blank.model_copy(update=told)
        return blank.model_copy(update={"value": query_or_problem})

    async def _check(self, namespace: str, check: HttpCheck) -> CheckAnswer:
        view = await self._checks.check(namespace, check, QUERY_SECONDS)
        return CheckAnswer(name=view.name, passed=view.passed, message=view.message)


def _checks_of(rollout: Rollout | None) -> tuple[HttpCheck, ...]:
    return () if rollout is None else rollout.gate.checks


def _templates(analysis: Analysis) -> Iterator[tuple[str, str, str, int]]:
    """Each query with its metric, its own name and how far it looks back."""
    for metric in analysis.metrics:
        if metric.proportion is not None:
            proportion = metric.proportion
            yield metric.name, "failures", proportion.failures, COUNT_WINDOW_SECONDS
            yield metric.name, "total", proportion.total, COUNT_WINDOW_SECONDS
        elif metric.value is not None:
            yield metric.name, "value", metric.value, block_seconds(analysis.interval_seconds)


async def run(inquiry: Inquiry, settings: Settings) -> Answers:
    """All answers, asked with this replica's identity and settings."""
    clock = SystemClock()
    connection = await connect(clock, settings.kubeconfig)
    try:
        client = KubeClient(connection)
        guard = build_guard(settings, await api_server_addresses(client, connection.url))
        kit = Toolkit.of(guard, clock.now, control_name())
        prober = Prober(
            SecretReader(client),
            guard,
            clock.now,
            on_internal_error=lambda error: print(error, file=sys.stderr),
            control_name=control_name(),
        )
        try:
            asker = Asker(prober, kit)
            answers = await asyncio.gather(*(asker.answer(ask) for ask in inquiry.asks))
        finally:
            await prober.aclose()
            await kit.aclose()
    finally:
        await connection.close()
    return Answers(version=version("resilience-operator"), answers=tuple(answers))


def main() -> None:
    """A line in, a line out."""
    signal.alarm(LONGEST_SECONDS)
    inquiry = Inquiry.model_validate_json(sys.stdin.readline())
    answers = asyncio.run(run(inquiry, load(os.environ)))
    print(answers.model_dump_json(by_alias=True), flush=True)


if __name__ == "__main__":
    main()
