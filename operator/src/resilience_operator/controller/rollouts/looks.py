"""Takes looks at Prometheus and at the checks, in the background and at the analysis interval.

A look may take as long as Prometheus does; the rollout's own decisions never wait for one.
"""

import asyncio
import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol

from resilience_operator.api.v1alpha1.rollout import Analysis, HttpCheck, Rollout
from resilience_operator.controller.rollouts.state import Look, RolloutState
from resilience_operator.core.model import Key
from resilience_operator.core.rollout.model import CheckView, MetricView
from resilience_operator.core.rollout.values import looks_apart
from resilience_operator.core.times import from_rfc3339

log = logging.getLogger(__name__)

MAX_AT_ONCE = 64
OUR_FAILURE = "The operator's own look failed; its log says where."
# Value metrics keep so many looks of a window; more would add little evidence and much memory.
MAX_VALUES = 500


class Sources(Protocol):
    """Where the figures come from."""

    async def metrics(
        self, namespace: str, rollout: Rollout, window_seconds: int
    ) -> Mapping[str, MetricView]:
        """Every metric of both arms over the window; problems are in the views."""

    async def check(self, namespace: str, check: HttpCheck) -> CheckView:
        """Whether the URL answers 200."""


class Looks:
    """Starts looks that are due; `done` is told when one has been taken."""

    def __init__(
        self,
        sources: Sources,
        now: Callable[[], float],
        done: Callable[[Key], None],
        failed: Callable[[], None],
    ) -> None:
        """`failed` is told of a look that our own code could not take."""
        self._sources = sources
        self._now = now
        self._done = done
        self._failed = failed
        self._slots = asyncio.Semaphore(MAX_AT_ONCE)

    def due_at(self, state: RolloutState) -> float:
        """When the next look is due: at once where there was none at this subject."""
        if state.look is None or state.look.subject != state.subject:
            return 0.0
        return state.look.at + state.spec.analysis.interval_seconds

    def take(self, key: Key, state: RolloutState) -> None:
        """Begin a look, unless one is under way or not due yet."""
        if state.looking is not None or self._now() < self.due_at(state):
            return
        state.looking = asyncio.get_running_loop().create_task(self._look(key, state))

    async def _look(self, key: Key, state: RolloutState) -> None:
        try:
            async with self._slots:
                await self._ask(key[0], state)
        except Exception:
            # Nothing is known, and that is nobody's fault but ours: the rollout is held as Blind.
            # The next look is due when it would have been.
            log.exception("a look at %s/%s failed", *key)
            self._failed()
            state.look = _seen_nothing(state, self._now())
            state.fresh = True
        finally:
            state.looking = None
            self._done(key)

    async def _ask(self, namespace: str, state: RolloutState) -> None:
        spec, subject, started = state.spec, state.subject, state.status.window_started_at
        began = from_rfc3339(started) if started else None
        window = None if began is None else max(1, int(self._now() - began))
        metrics, checks = await asyncio.gather(
            self._metrics(namespace, spec, spec.analysis, window),
            asyncio.gather(*(self._sources.check(namespace, one) for one in spec.gate.checks)),
        )
        before = state.look if state.look and state.look.window_started_at == started else None
        stride = looks_apart(spec.analysis.interval_seconds)
        merged = {
            name: with_history(view, before.metrics.get(name) if before else None, stride)
            for name, view in metrics.items()
        }
        state.look = Look(self._now(), subject, started, merged, tuple(checks))
        state.fresh = True

    async def _metrics(
        self, namespace: str, spec: Rollout, analysis: Analysis, window: int | None
    ) -> Mapping[str, MetricView]:
        if not analysis.metrics or window is None:
            return {}
        return await self._sources.metrics(namespace, spec, window)


def _seen_nothing(state: RolloutState, now: float) -> Look:
    names = (metric.name for metric in state.spec.analysis.metrics)
    nothing = {name: MetricView(name, problem=OUR_FAILURE) for name in names}
    return Look(now, state.subject, state.status.window_started_at, nothing, ())


def with_history(view: MetricView, before: MetricView | None, stride: int) -> MetricView:
    """A value metric with the values of the window's earlier looks in front of its own.

    What is too old goes in whole strides, so that the same looks go on counting.
    """
    if before is None or not (view.stable_values and view.canary_values):
        return view
    stable = (*before.stable_values, *view.stable_values)
    canary = (*before.canary_values, *view.canary_values)
    surplus = stride * math.ceil(max(0, len(canary) - MAX_VALUES) / stride)
    return replace(view, stable_values=stable[surplus:], canary_values=canary[surplus:])
