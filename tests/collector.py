"""An OpenTelemetry collector in this process: takes OTLP over HTTP and keeps the spans."""

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as WireSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status

Value = str | int | float | bool | list[str]


@dataclass(frozen=True)
class Span:
    """One span, as it came."""

    name: str
    kind: str  # INTERNAL, CLIENT
    trace_id: str
    span_id: str
    parent_id: str  # empty: it has none
    began: float
    ended: float
    failed: bool
    attributes: Mapping[str, Value]
    resource: Mapping[str, Value]

    def __getitem__(self, name: str) -> Value | None:
        """An attribute of ours, without what all of them begin with."""
        return self.attributes.get(f"resilience.{name}")


class Collector:
    """What has arrived."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.bodies: list[bytes] = []
        self.requests: list[tuple[str, Mapping[str, str]]] = []
        self.status = 200
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """What a sender is given."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()

    def named(self, name: str, **attributes: Value) -> list[Span]:
        """The spans of that name that have these attributes (`probe_type` for `probe.type`)."""
        wanted = {name.replace("_", ".", 1): value for name, value in attributes.items()}
        return [
            span
            for span in list(self.spans)
            if span.name == name and all(span[key] == value for key, value in wanted.items())
        ]

    def children(self, parent: Span) -> list[Span]:
        """The spans under that one, in the order in which they began."""
        found = [span for span in list(self.spans) if span.parent_id == parent.span_id]
        return sorted(found, key=lambda span: span.began)

    def _take(self, body: bytes) -> None:
        self.bodies.append(body)
        for group in ExportTraceServiceRequest.FromString(body).resource_spans:
            resource = _plain(group.resource.attributes)
            for scope in group.scope_spans:
                self.spans += [_span(span, resource) for span in scope.spans]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.requests.append((self.path, dict(self.headers)))
                if collector.status == 200:
                    collector._take(body)
                self.send_response(collector.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        return Handler


@contextmanager
def collector() -> Iterator[Collector]:
    """One that listens."""
    made = Collector()
    try:
        yield made
    finally:
        made.close()


def _span(span: WireSpan, resource: Mapping[str, Value]) -> Span:
    return Span(
        name=span.name,
        kind=WireSpan.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        began=span.start_time_unix_nano / 1e9,
        ended=span.end_time_unix_nano / 1e9,
        failed=span.status.code == Status.STATUS_CODE_ERROR,
        attributes=_plain(span.attributes),
        resource=resource,
    )


def _plain(attributes: Iterable[KeyValue]) -> dict[str, Value]:
    return {each.key: _value(each.value) for each in attributes}


def _value(value: AnyValue) -> Value:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [each.string_value for each in value.array_value.values]
    found: Value = getattr(value, kind)
    return found
