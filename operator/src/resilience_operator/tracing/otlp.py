"""Sends traces to a collector by OTLP over HTTP, from a thread of its own.

Batches wait in a queue of limited length; what does not fit is dropped. The rest is OpenTelemetry's
own, with its own variables: OTEL_EXPORTER_OTLP_HEADERS, OTEL_EXPORTER_OTLP_CERTIFICATE, OTEL_BSP_*,
OTEL_RESOURCE_ATTRIBUTES, OTEL_SERVICE_NAME.
"""

import logging
from collections.abc import Mapping, Sequence

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from resilience_operator.kube.pacing import Clock
from resilience_operator.tracing.recorder import Recorder

log = logging.getLogger(__name__)

PATH = "/v1/traces"
_SCOPE = "resilience_operator"
_EXPORTER_LOGGER = "opentelemetry.exporter.otlp.proto.http.trace_exporter"


def start(endpoint: str, ratio: float, resource: Mapping[str, str], clock: Clock) -> Recorder:
    """A recorder whose spans go to that collector. `resource` says who sends them."""
    overheard = _overhear()
    exporter = _Reported(OTLPSpanExporter(endpoint=endpoint.rstrip("/") + PATH), overheard)
    provider = TracerProvider(
        sampler=ALWAYS_ON,  # what is recorded at all is chosen by the recorder
        resource=Resource.create(resource).merge(OTELResourceDetector().detect()),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    version = resource.get("service.version")
    return Recorder(provider.get_tracer(_SCOPE, version), clock, ratio, provider.shutdown)


class _Overheard(logging.Filter):
    """Keeps the first thing that a logger says, and lets nothing through."""

    def __init__(self) -> None:
        super().__init__()
        self.first = ""

    def filter(self, record: logging.LogRecord) -> bool:
        self.first = self.first or record.getMessage()
        return False


def _overhear() -> _Overheard:
    """Silence the library: it has lines for every try, and quotes a header that it cannot read."""
    overheard = _Overheard()
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    exporter = logging.getLogger(_EXPORTER_LOGGER)
    exporter.setLevel(logging.WARNING)
    exporter.addFilter(overheard)
    return overheard


class _Reported(SpanExporter):
    """The exporter, with a log line when spans cease to arrive and one when they do again."""

    def __init__(self, exporter: SpanExporter, overheard: _Overheard) -> None:
        self._exporter = exporter
        self._overheard = overheard
        self._arriving = True

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch; whether it has arrived."""
        self._overheard.first = ""
        result = self._exporter.export(spans)
        arrived = result is SpanExportResult.SUCCESS
        if arrived is not self._arriving:
            self._arriving = arrived
            if arrived:
                log.info("traces reach the collector again")
            else:
                log.warning("traces do not reach the collector: %s", self._overheard.first)
        return result

    def shutdown(self) -> None:
        """Send nothing more."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing is kept back here."""
        return True
