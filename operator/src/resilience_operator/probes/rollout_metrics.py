"""One look at all metrics of a rollout: every query of both arms, a few at a time.

The window of counts runs from the beginning of the analysis to the look; see
`core.rollout.queries` for what `increase()` makes of it. A value looks back no farther than looks
that count are apart; this is one look of it, and its history is the caller's.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable

from resilience_operator.api.v1alpha1.rollout import Analysis, Metric
from resilience_operator.core.rollout.model import Counts, MetricView
from resilience_operator.core.rollout.queries import QueryArm, QueryProblem, render_query
from resilience_operator.core.rollout.values import block_seconds
from resilience_operator.probes.prometheus_query import NO_RESULT

Ask = Callable[[str], Awaitable[float | QueryProblem]]
"""Asks one query."""

CONCURRENCY = 4
RECENT_SECONDS = 300
"""As long as Prometheus itself takes a sample for the present."""
_NOT_RECENT = QueryProblem(
    "QueryNotRecent",
    f"Nothing was counted in the last {RECENT_SECONDS // 60} minutes, not even none: "
    "Prometheus has stopped scraping it.",
)


class _Look:
    """Asks the queries of one look, both arms at once, no more than a few in flight."""

    def __init__(self, window_seconds: float, block_seconds: float, ask: Ask) -> None:
        self._window_seconds = window_seconds
        self._block_seconds = block_seconds
        self._ask = ask
        self._slots = asyncio.Semaphore(CONCURRENCY)

    async def value(self, template: str, arm: QueryArm) -> float | QueryProblem:
        """A value of the last moments: looks that count must not share data."""
        return await self.number(template, arm, self._block_seconds)

    async def number(
        self, template: str, arm: QueryArm, window_seconds: float | None = None
    ) -> float | QueryProblem:
        query = render_query(template, arm, window_seconds or self._window_seconds)
        if isinstance(query, QueryProblem):
            return query
        async with self._slots:
            return await self._ask(query)

    async def counts(self, metric: Metric, arm: QueryArm) -> Counts | QueryProblem:
        """Failures among requests.

        Where requests are counted, no result for failures means that none has happened yet: a
        series of errors exists from the first one on. Without requests it means nothing. Over a
        long window, requests that are counted no longer would go on looking well until its end.
        """
        assert metric.proportion is not None
        failures, total, recent = await asyncio.gather(
            self.number(metric.proportion.failures, arm),
            self.number(metric.proportion.total, arm),
            self._recent(metric.proportion.total, arm),
        )
        if isinstance(total, QueryProblem):
            return total
        if isinstance(recent, QueryProblem):
            return _NOT_RECENT if recent.reason == NO_RESULT else recent
        if isinstance(failures, QueryProblem):
            if failures.reason != NO_RESULT:
                return failures
            failures = 0.0
        total = max(total, 0.0)
        # Each is extrapolated by itself, so that one can come out over the other.
        return Counts(failures=min(max(failures, 0.0), total), total=total)

    async def _recent(self, template: str, arm: QueryArm) -> float | QueryProblem | None:
        """The same over the last minutes; None where the window is not longer than that."""
        if self._window_seconds <= RECENT_SECONDS:
            return None
        return await self.number(template, arm, RECENT_SECONDS)


async def gather_metrics(
    analysis: Analysis, stable: QueryArm, canary: QueryArm, window_seconds: float, ask: Ask
) -> dict[str, MetricView]:
    """The metrics of both arms now, by name; a metric without numbers says why in `problem`."""
    look = _Look(window_seconds, block_seconds(analysis.interval_seconds), ask)
    views = (_view(look, metric, stable, canary) for metric in analysis.metrics)
    return {view.name: view for view in await asyncio.gather(*views)}


async def _view(look: _Look, metric: Metric, stable: QueryArm, canary: QueryArm) -> MetricView:
    if metric.proportion is not None:
        counts = await asyncio.gather(look.counts(metric, stable), look.counts(metric, canary))
        return MetricView(
            name=metric.name,
            stable=None if isinstance(counts[0], QueryProblem) else counts[0],
            canary=None if isinstance(counts[1], QueryProblem) else counts[1],
            problem=_problem(counts),
        )
    template = metric.value or ""
    ours, theirs = await asyncio.gather(look.value(template, stable), look.value(template, canary))
    if isinstance(theirs, QueryProblem):
        return MetricView(metric.name, problem=_problem((ours, theirs)))
    # Pairwise: a stable without traffic has no latency, and the canary's counts all the same.
    known = math.nan if isinstance(ours, QueryProblem) else ours
    return MetricView(
        metric.name,
        stable_values=(known,),
        canary_values=(theirs,),
        problem=_problem((ours, theirs)),
    )


def _problem(answers: Iterable[object]) -> str:
    """What each arm lacks, stable first."""
    arms = zip(("stable", "canary"), answers, strict=True)
    return " ".join(f"For {arm}: {a.message}" for arm, a in arms if isinstance(a, QueryProblem))
