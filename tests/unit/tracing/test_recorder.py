"""Spans of passes and probes: which there are, what is in them, and that they harm nobody."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import format_trace_id

from resilience_operator.api.v1alpha1.policy_status import FailureReason
from resilience_operator.core.errors import TransientError
from resilience_operator.core.model import Key, ProbeKey, ProbeResult
from resilience_operator.core.resources import CONFIG_MAPS, PODS
from resilience_operator.kube.calls import Call
from resilience_operator.purpose import Errand, Purpose
from resilience_operator.tracing import recorder
from resilience_operator.tracing.recorder import Recorder
from tests.builders import healthy, unhealthy, unknown
from tests.fakes.clock import FakeClock

KEY: Key = ("retail", "inventario")
PROBE = ProbeKey("retail", "redis", "d1ge5t")
WRITE = Call("apply", CONFIG_MAPS, "retail", "flags", "", "us", code=200, seconds=0.25)
ERRAND = Errand(Purpose.FLAGS, KEY, "0123")
Handler = Callable[[Key], Awaitable[None]]


class Bench:
    """A recorder whose spans stay here."""

    def __init__(self, ratio: float = 0.0, chance: float = 0.5) -> None:
        self.clock = FakeClock()
        self.exporter = InMemorySpanExporter()
        self.ended = 0
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        tracer = provider.get_tracer("test")
        self.recorder = Recorder(tracer, self.clock, ratio, self._end, lambda: chance)

    def _end(self) -> None:
        self.ended += 1

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self.exporter.get_finished_spans()

    def one(self, name: str) -> ReadableSpan:
        (found,) = [span for span in self.spans if span.name == name]
        return found

    async def run(self, handler: Handler) -> str | None:
        """A pass in a task of its own, as the workqueue has it; the id of its trace."""

        async def work() -> str | None:
            with suppress(TransientError):
                await self.recorder.traced("reconcile", handler)(KEY)
            return self.recorder.last()

        return await asyncio.create_task(work())

    def probed(self, result: ProbeResult, *names: str) -> str | None:
        return self.recorder.probed(PROBE, result, [(KEY, name) for name in names])


async def nothing(key: Key) -> None:
    pass


async def test_a_pass_that_writes_has_a_span_with_its_writes() -> None:
    bench = Bench()

    async def write(key: Key) -> None:
        await bench.clock.advance(1.0)
        bench.recorder.note(key, {"level": "LIMITED", "health": 0, "reason": None})
        bench.recorder.note(("other", "policy"), {"level": "MINIMAL"})
        await asyncio.gather(write_one(bench), write_one(bench))
        await bench.clock.advance(1.0)

    trace_id = await bench.run(write)
    span = bench.one("reconcile")
    assert span.parent is None
    assert dict(span.attributes or {}) == {
        "resilience.namespace": "retail",
        "resilience.policy": "inventario",
        "resilience.writes": 2,
        "resilience.level": "LIMITED",
        "resilience.health": 0,
    }
    assert ((span.end_time or 0) - (span.start_time or 0)) == pytest.approx(2e9)
    children = [each for each in bench.spans if each.name == "apply configmaps"]
    assert len(children) == 2
    for child in children:
        assert child.parent is not None
        assert child.parent.span_id == span.context.span_id
        assert dict(child.attributes or {}) == {
            "resilience.namespace": "retail",
            "resilience.api.verb": "patch",
            "resilience.api.resource": "configmaps",
            "resilience.api.object": "flags",
            "resilience.api.field_manager": "us",
            "resilience.purpose": "flags",
            "resilience.decision": "0123",
            "http.response.status_code": 200,
        }
        assert ((child.end_time or 0) - (child.start_time or 0)) == pytest.approx(0.25e9)
    assert trace_id == format_trace_id(span.context.trace_id)


async def write_one(bench: Bench) -> None:
    bench.recorder.wrote(WRITE, ERRAND)


@pytest.mark.parametrize(("code", "error"), [(409, "409"), (0, "no_answer")])
async def test_a_write_that_failed_says_so(code: int, error: str) -> None:
    bench = Bench()

    async def write(key: Key) -> None:
        bench.recorder.wrote(replace(WRITE, code=code), ERRAND)
        raise TransientError("a secret of the API server's")

    await bench.run(write)
    child = bench.one("apply configmaps")
    assert not child.status.is_ok
    assert (child.attributes or {})["error.type"] == error
    span = bench.one("reconcile")
    assert (span.attributes or {})["error.type"] == "TransientError"
    assert "secret" not in span.to_json()


async def test_a_pass_that_tells_a_thousand_pods_has_a_hundred_spans_of_it() -> None:
    bench = Bench()

    async def write(key: Key) -> None:
        for _ in range(1000):
            bench.recorder.wrote(Call("patch", PODS, code=200), ERRAND)

    await bench.run(write)
    assert len(bench.spans) == 1 + recorder.MAX_WRITES
    assert (bench.one("reconcile").attributes or {})["resilience.writes"] == 1000


@pytest.mark.parametrize(("ratio", "spans"), [(0.4, 0), (0.6, 1)])
async def test_what_is_routine_is_recorded_by_chance(ratio: float, spans: int) -> None:
    bench = Bench(ratio, chance=0.5)
    trace_id = await bench.run(nothing)
    assert len(bench.spans) == spans
    assert (trace_id is None) is (spans == 0)
    bench.probed(healthy(bench.clock.now()))
    assert len(bench.spans) == 2 * spans


@pytest.mark.parametrize("result", [unhealthy, unknown])
def test_a_probe_that_is_not_healthy_always_is(
    result: Callable[[float], ProbeResult],
) -> None:
    bench = Bench(ratio=0.0)
    trace_id = bench.probed(replace(result(bench.clock.now()), latency_ms=40.0), "cache")
    span = bench.one("probe redis")
    assert trace_id == format_trace_id(span.context.trace_id)
    assert not span.status.is_ok
    assert ((span.end_time or 0) - (span.start_time or 0)) == pytest.approx(40e6, abs=1000)


def test_a_probe_says_what_it_asked_and_what_it_found() -> None:
    bench = Bench()
    found = unhealthy(bench.clock.now(), FailureReason.TIMEOUT)
    message = "never a part of it"
    bench.probed(replace(found, latency_ms=1.0, message=message), "cache", "sessions")
    span = bench.one("probe redis")
    assert dict(span.attributes or {}) == {
        "resilience.namespace": "retail",
        "resilience.probe.type": "redis",
        "resilience.probe.verdict": "Unhealthy",
        "resilience.probe.reason": "Timeout",
        "resilience.probe.latency_ms": 1.0,
        "resilience.dependencies": ("inventario/cache", "inventario/sessions"),
        "error.type": "Timeout",
    }
    assert message not in span.to_json()


def test_a_probe_that_many_share_names_some_of_them() -> None:
    bench = Bench()
    bench.probed(unhealthy(bench.clock.now()), *(f"d{number}" for number in range(1000)))
    attributes = bench.one("probe redis").attributes or {}
    assert attributes["resilience.dependencies"] == tuple(f"inventario/d{n}" for n in range(8))


async def test_an_outage_of_everything_is_recorded_at_a_pace() -> None:
    bench = Bench()
    for _ in range(1000):
        bench.probed(unhealthy(bench.clock.now()))
    assert len(bench.spans) == recorder.NOTABLE_AT_ONCE
    await bench.clock.advance(10.0)
    for _ in range(1000):
        bench.probed(unhealthy(bench.clock.now()))
    more = len(bench.spans) - recorder.NOTABLE_AT_ONCE
    assert more == 10 * recorder.NOTABLE_PER_SECOND


async def test_a_fault_of_the_tracer_is_only_logged(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(ratio=1.0)
    # No dependency of ours: what cannot be named cannot be recorded.
    assert bench.recorder.probed(PROBE, unhealthy(bench.clock.now()), [1]) is None
    assert bench.spans == ()
    assert "TypeError" in caplog.text
    assert await bench.run(nothing) is not None


async def test_outside_of_a_pass_there_is_nothing_to_note() -> None:
    bench = Bench(ratio=1.0)
    bench.recorder.wrote(WRITE, ERRAND)
    bench.recorder.note(KEY, {"level": "LIMITED"})
    assert bench.recorder.last() is None
    assert bench.spans == ()


async def test_a_pass_that_is_cancelled_is_not_recorded() -> None:
    bench = Bench(ratio=1.0)
    handler = bench.recorder.traced("reconcile", lambda key: asyncio.Event().wait())  # type: ignore[arg-type, return-value]
    task = asyncio.create_task(handler(KEY))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert bench.spans == ()


async def test_closing_waits_for_the_last_spans_and_not_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench()
    await bench.recorder.aclose()
    assert bench.ended == 1
    monkeypatch.setattr(recorder, "CLOSE_SECONDS", 0.01)
    never = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hang() -> None:
        asyncio.run_coroutine_threadsafe(never.wait(), loop).result()

    stuck = Recorder(TracerProvider().get_tracer("test"), bench.clock, 1.0, hang)
    await stuck.aclose()
    never.set()
