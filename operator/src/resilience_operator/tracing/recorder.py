"""Spans of passes and probes, made when these are over: what is worth a trace is known only then.

What is routine (a healthy probe, a pass that writes nothing) is recorded by chance, at the ratio
that was set. What is not is always recorded, up to a pace at which it costs no probe its time.
Nothing here waits for the collector, and no fault of it reaches those who are traced.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Collection, Hashable
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import islice
from threading import Thread
from typing import cast

from opentelemetry.context import Context
from opentelemetry.trace import (
    Span,
    SpanKind,
    Status,
    StatusCode,
    Tracer,
    format_trace_id,
    set_span_in_context,
)

from resilience_operator.controller.subscriptions import Subscription
from resilience_operator.core.model import Key, ProbeKey, ProbeResult, Verdict
from resilience_operator.kube.calls import Call
from resilience_operator.kube.pacing import Clock, TokenBucket
from resilience_operator.logging import place_of
from resilience_operator.purpose import Errand
from resilience_operator.tracing.base import Facts, Handler, Tracing

log = logging.getLogger(__name__)

NOTABLE_PER_SECOND = 20.0
NOTABLE_AT_ONCE = 200
"""Traces of what is not routine. In an outage of everything the probes need the processor more."""
MAX_WRITES = 100
"""Spans of writes in one pass; a pass that tells a thousand pods says how many there were."""
MAX_DEPENDENCIES = 8
CLOSE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class _Write:
    call: Call
    errand: Errand
    ended: float


@dataclass(slots=True)
class _Pass:
    """A pass, as it is recorded while it runs."""

    key: Key
    began: float
    facts: dict[str, str | int | float | None] = field(default_factory=dict)
    writes: list[_Write] = field(default_factory=list)
    count: int = 0
    trace_id: str | None = None


_present: ContextVar[_Pass | None] = ContextVar("pass", default=None)


class Recorder(Tracing):
    """Makes spans of what is over."""

    def __init__(
        self,
        tracer: Tracer,
        clock: Clock,
        ratio: float,
        shutdown: Callable[[], None],
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._tracer = tracer
        self._clock = clock
        self._ratio = ratio
        self._shutdown = shutdown
        self._chance = chance
        self._notable = TokenBucket(clock, NOTABLE_PER_SECOND, NOTABLE_AT_ONCE)

    def traced(self, name: str, handler: Handler) -> Handler:
        """The same handler, with a span of that name for each pass."""

        async def run(key: Key) -> None:
            present = _Pass(key, self._clock.now())
            _present.set(present)  # for as long as the task lasts, which is this pass
            try:
                await handler(key)
            except Exception as error:
                self._end(name, present, error)
                raise
            self._end(name, present, None)

        return run

    def note(self, key: Key, facts: Facts) -> None:
        """Note facts of the pass over that policy that the present task is in, if it is in one."""
        present = _present.get()
        if present is not None and present.key == key:
            present.facts.update(facts)

    def wrote(self, call: Call, errand: Errand) -> None:
        """A write of the present task to the API server is over."""
        present = _present.get()
        if present is None:
            return
        present.count += 1
        if len(present.writes) < MAX_WRITES:
            present.writes.append(_Write(call, errand, self._clock.now()))

    def probed(
        self, key: ProbeKey, result: ProbeResult, served: Collection[Hashable]
    ) -> str | None:
        """A probe came back, for those subscriptions; the id of its trace, if it has one."""
        if not self._chosen(routine=result.verdict is Verdict.HEALTHY):
            return None
        return self._harmless(lambda: self._probe_span(key, result, served))

    def last(self) -> str | None:
        """The id of the trace of the pass that the present task has just ended, if it has one."""
        present = _present.get()
        return None if present is None else present.trace_id

    async def aclose(self) -> None:
        """Send what is left, in limited time: a collector may not answer."""
        sending = Thread(target=self._shutdown, name="last-traces", daemon=True)
        sending.start()
        await asyncio.to_thread(sending.join, CLOSE_SECONDS)

    def _chosen(self, routine: bool) -> bool:
        return (not routine and self._notable.try_take()) or self._chance() < self._ratio

    def _end(self, name: str, present: _Pass, error: Exception | None) -> None:
        if self._chosen(routine=error is None and not present.count):
            present.trace_id = self._harmless(lambda: self._pass_span(name, present, error))

    def _pass_span(self, name: str, present: _Pass, error: Exception | None) -> str:
        namespace, policy = present.key
        facts: Facts = {"namespace": namespace, "policy": policy, "writes": present.count}
        failure = None if error is None else type(error).__name__
        span = self._begin(
            name, SpanKind.INTERNAL, present.began, {**facts, **present.facts}, failure
        )
        for write in present.writes:
            self._write_span(write, set_span_in_context(span, Context()))
        span.end(_nanoseconds(self._clock.now()))
        return format_trace_id(span.get_span_context().trace_id)

    def _write_span(self, write: _Write, parent: Context) -> None:
        call, errand = write.call, write.errand
        facts: Facts = {
            "namespace": call.namespace,
            "api.verb": call.api_verb,
            "api.resource": "/".join(filter(None, (call.resource.plural, call.subresource))),
            "api.object": call.name,
            "api.field_manager": call.field_manager,
            "purpose": errand.purpose.value,
            "decision": errand.decision_id,
        }
        failure = None if call.ok else str(call.code or "no_answer")
        began, name = write.ended - call.seconds, f"{call.verb} {call.resource.plural}"
        span = self._begin(name, SpanKind.CLIENT, began, facts, failure, parent)
        if call.code:
            span.set_attribute("http.response.status_code", call.code)
        span.end(_nanoseconds(write.ended))

    def _probe_span(self, key: ProbeKey, result: ProbeResult, served: Collection[Hashable]) -> str:
        facts: Facts = {
            "namespace": key.namespace,
            "probe.type": key.type,
            "probe.verdict": result.verdict.value,
            "probe.reason": result.reason.value if result.reason else None,
            "probe.latency_ms": round(result.latency_ms, 3),
        }
        failure = None if result.verdict is Verdict.HEALTHY else str(facts["probe.reason"])
        began = result.at - result.latency_ms / 1000
        span = self._begin(f"probe {key.type}", SpanKind.CLIENT, began, facts, failure)
        span.set_attribute("resilience.dependencies", _names(served))
        span.end(_nanoseconds(result.at))
        return format_trace_id(span.get_span_context().trace_id)

    def _begin(
        self,
        name: str,
        kind: SpanKind,
        began: float,
        facts: Facts,
        failure: str | None,
        parent: Context | None = None,
    ) -> Span:
        attributes = {
            f"resilience.{key}": value
            for key, value in facts.items()
            if value is not None and value != ""
        }
        span = self._tracer.start_span(
            name,
            context=Context() if parent is None else parent,
            kind=kind,
            attributes=attributes,
            start_time=_nanoseconds(began),
        )
        if failure is not None:
            span.set_attribute("error.type", failure)
            span.set_status(Status(StatusCode.ERROR))
        return span

    def _harmless(self, record: Callable[[], str]) -> str | None:
        try:
            return record()
        except Exception as error:  # noqa: BLE001 - a trace is never worth a probe or a pass
            log.error("A trace was not recorded: %s.", place_of(error))
            return None


def _names(served: Collection[Hashable]) -> list[str]:
    first = islice(cast("Collection[Subscription]", served), MAX_DEPENDENCIES)
    return [f"{policy}/{name}" for (_, policy), name in first]


def _nanoseconds(epoch: float) -> int:
    return int(epoch * 1e9)
