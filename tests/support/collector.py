"""A collector of traces: takes them over OTLP/HTTP as a real one would, and keeps them for the test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span, Status


@dataclass(frozen=True)
class Spanned:
    """One span as it arrived: who made it, its name, and how it hangs together with others."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    failed: bool
    raw: str

    @property
    def traceparent(self) -> str:
        """Return what names this span on a message."""
        return f"00-{self.trace}-{self.id}-01"


@dataclass
class Collector:
    """Where spans go: its address, and what arrived there."""

    url: str = ""
    spans: list[Spanned] = field(default_factory=list)

    def of(self, trace: str) -> dict[str, Spanned]:
        """Return the spans of one trace by service and name."""
        return {f"{span.service}: {span.name}": span for span in self.spans if span.trace == trace}


def _read(body: bytes) -> Iterator[Spanned]:
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        for scope in resource.scope_spans:
            yield from (_spanned(_service(resource), span) for span in scope.spans)


def _service(resource: ResourceSpans) -> str:
    named = {attribute.key: attribute.value.string_value for attribute in resource.resource.attributes}
    return str(named["service.name"]).removeprefix("instroom-")


def _spanned(service: str, span: Span) -> Spanned:
    failed = span.status.code == Status.STATUS_CODE_ERROR
    ids = (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex())
    return Spanned(service, span.name, *ids, failed, str(span))


@contextmanager
def open_collector() -> Iterator[Collector]:
    """Collect traces for the length of the block."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Take spans."""
            assert self.path == "/v1/traces"
            collector.spans += _read(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.end_headers()
            self.wfile.write(ExportTraceServiceResponse().SerializeToString())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector.url = f"http://127.0.0.1:{server.server_port}"
        serving = Thread(target=server.serve_forever, daemon=True)
        serving.start()
        yield collector
        server.shutdown()
        serving.join()
