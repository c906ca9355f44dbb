"""Sending: what the log says of it, whose spans they are, and that it is loaded when asked for."""

import logging
import subprocess
import sys
from collections.abc import Iterator, Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from resilience_operator.settings import load
from resilience_operator.tracing import otlp
from resilience_operator.tracing.base import Tracing
from resilience_operator.tracing.switch import build_tracing
from tests.builders import unhealthy
from tests.collector import collector
from tests.fakes.clock import FakeClock
from tests.unit.tracing.test_recorder import PROBE

LIBRARY = otlp._EXPORTER_LOGGER


@pytest.fixture(autouse=True)
def loggers() -> Iterator[None]:
    """The library's loggers, put back afterwards."""
    names = ("opentelemetry", LIBRARY)
    before = {name: (logging.getLogger(name).level, None) for name in names}
    yield
    for name, (level, _) in before.items():
        logging.getLogger(name).setLevel(level)
    logging.getLogger(LIBRARY).filters.clear()


class Line(SpanExporter):
    """Says what it is told to when it fails, and is up or down."""

    def __init__(self) -> None:
        self.says: Sequence[str] = ()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        for text in self.says:
            logging.getLogger(LIBRARY).warning("%s", text)
        return SpanExportResult.FAILURE if self.says else SpanExportResult.SUCCESS


def test_an_outage_of_the_collector_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    line = Line()
    reported = otlp._Reported(line, otlp._overhear())
    caplog.set_level(logging.INFO)
    for says in ((), ("refused", "given up"), ("refused", "given up"), (), ()):
        line.says = says
        reported.export(())
    assert [record.getMessage() for record in caplog.records] == [
        "traces do not reach the collector: refused",
        "traces reach the collector again",
    ]


def test_a_header_that_cannot_be_read_is_not_quoted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "hunter2 is no header")
    otlp.start("http://127.0.0.1:9", 1.0, {}, FakeClock())
    assert "hunter2" not in caplog.text


async def test_the_environment_has_the_last_word_on_who_sends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "east")
    settings = {"RESILIENCE_OTLP_ENDPOINT": "", "RESILIENCE_TRACE_RATIO": "1"}
    with collector() as traces:
        settings["RESILIENCE_OTLP_ENDPOINT"] = f"{traces.url}/otlp/"
        clock = FakeClock()
        tracing = build_tracing(load({**settings, "POD_NAME": "pod-1"}), clock)
        tracing.probed(PROBE, unhealthy(clock.now()), ())
        await tracing.aclose()
    (span,) = traces.spans
    assert [path for path, _ in traces.requests] == ["/otlp/v1/traces"]
    assert span.resource["service.name"] == "east"
    assert span.resource["service.instance.id"] == "pod-1"
    assert span.resource["telemetry.sdk.name"] == "opentelemetry"


def test_a_library_that_cannot_start_costs_only_the_traces(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "-1")
    tracing = build_tracing(load({"RESILIENCE_OTLP_ENDPOINT": "http://127.0.0.1:9"}), FakeClock())
    assert type(tracing) is Tracing
    assert "nothing is traced" in caplog.text


def test_without_an_endpoint_the_library_is_not_even_loaded() -> None:
    program = """
import sys
import resilience_operator.main as main
from resilience_operator.runtime.clock import SystemClock
from resilience_operator.settings import load
from resilience_operator.tracing.switch import build_tracing
build_tracing(load({}), SystemClock())
print([name for name in sys.modules if name.startswith("opentelemetry")])
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert ended.stdout.strip() == "[]"


async def test_what_records_nothing_changes_nothing() -> None:
    tracing = Tracing()

    async def handler(key: tuple[str, str]) -> None:
        """A pass."""

    assert tracing.traced("reconcile", handler) is handler
    assert tracing.probed(PROBE, unhealthy(1.0), ()) is None
    assert tracing.last() is None
    await tracing.aclose()
