"""The spans of OpenTelemetry: how they hang together, what they may say, and how they reach the collector.

Names and attributes follow the semantic conventions for messaging, RabbitMQ and CloudEvents. What the traceparent of a
fact names, and why, stands in docs/decisions/0008-traces.md.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import replace
from threading import Thread
from typing import Any

import structlog
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Span, SpanKind, StatusCode, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from chassis import logs
from chassis.cooperative import cooperatively
from chassis.deciding import Received, Verdict
from chassis.documents import Document
from chassis.handling import Tell
from chassis.tracing import Server, Step, Tracer
from instroom_contracts.cloudevent import CloudEvent, InvalidEvent

log = structlog.get_logger()

LONGEST_FLUSH_S = 3.0
_W3C = TraceContextTextMapPropagator()


def exporting(source: str, name: str) -> Tracer:
    """Return a tracer that sends its spans to the collector in the background, as the OTEL_* settings say."""
    logging.getLogger("opentelemetry.exporter").setLevel(logging.CRITICAL)  # it repeats what is logged once here
    provider = TracerProvider(resource=_resource(name), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(Exporter(OTLPSpanExporter())))
    return SpanTracer(provider, source)


def _resource(name: str) -> Resource:
    """Name the service, unless the settings do."""
    resource = Resource.create()
    named = not str(resource.attributes[SERVICE_NAME]).startswith("unknown_service")
    return resource if named else resource.merge(Resource({SERVICE_NAME: name}))


class Exporter(SpanExporter):
    """Exports spans and logs once per outage that the collector does not take them; those spans are lost."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner
        self._away = False
        self._context = copy_context()  # the thread that exports has none, and log lines name the service

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Hand spans to the collector."""
        result = self._inner.export(spans)
        away = result is not SpanExportResult.SUCCESS
        if away != self._away:
            self._context.run(_log_outage, away)
        self._away = away
        return result

    def shutdown(self) -> None:
        """Give up what is being tried."""
        self._inner.shutdown()


def _log_outage(away: bool) -> None:  # noqa: FBT001  it begins or it ends
    if away:
        log.warning("collector_away")
    else:
        log.info("collector_back")


class SpanStep(Step):
    """A step that a span tells of."""

    def __init__(self, span: Span) -> None:
        self._span = span

    def fail(self, code: str) -> None:
        """Say that the step did not come to what it was for, with a code of the reason."""
        _fail(self._span, code)


class SpanTracer(Tracer):
    """Makes spans of what messages and mails go through."""

    def __init__(self, provider: TracerProvider, source: str) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("instroom")
        self._source = source

    def begin(self, message: Received, arrived: int) -> Received:
        """Begin the span of a message; what is told because of it names this span as its parent.

        One that is not sampled is left as it came, so that its sender's decision travels on.
        """
        event = message.event
        parent = _context(event.traceparent)
        attributes = {
            **_messaging("process", "process", message.hears.exchange, message.type),
            **_named(event.id, event.source, message.type),
            "messaging.message.body.size": len(message.body),
        }
        span = self._tracer.start_span(
            f"process {message.queue}", parent, SpanKind.CONSUMER, attributes, start_time=arrived
        )
        if not span.is_recording() and _is_valid(parent):
            return message
        return replace(message, event=_under(event, _traceparent(span)), span=span)

    @contextmanager
    def committing(self, batch: Sequence[Received]) -> Iterator[None]:
        """Span the commit below the first message of the batch, and link the others to it."""
        spans = [span for message in batch if (span := _span_of(message))]
        if not spans:
            yield
            return
        below = trace.set_span_in_context(spans[0], Context())
        commit = self._tracer.start_span("commit", below, attributes={"messaging.batch.message_count": len(batch)})
        for span in spans[1:]:
            span.add_link(commit.get_span_context())
        try:
            yield
        except BaseException as error:
            _fail(commit, type(error).__name__)
            for span in spans:
                span.add_event("decided again", {"error.type": type(error).__name__})
            raise
        finally:
            commit.end()

    def end(self, batch: Sequence[Received], verdict: Verdict) -> None:
        """End the spans of messages that are committed, saying what each came to."""
        held = {id(one.message): one.reason for one in verdict.held}
        for message in batch:
            if span := _span_of(message):
                reason = held.get(id(message))
                decided = message.key is not None and verdict.spent.get(message.key) is message
                span.set_attribute("instroom.state", "held" if reason else "decided" if decided else "duplicate")
                if reason:
                    _fail(span, reason)
                span.end()

    async def published(self, events: Sequence[Document], began: int, unconfirmed: Collection[int]) -> None:
        """Span each event's publishing, below what its traceparent names; no trace begins here."""
        async for number, event in cooperatively(enumerate(events)):
            traceparent = event.get("traceparent")
            if traceparent is None or not _is_sampled(traceparent):
                continue
            name, id = event["type"], event["id"]
            attributes = {**_messaging("publish", "send", event["exchange"], name), **_named(id, self._source, name)}
            below = _context(traceparent)
            span = self._tracer.start_span(f"publish {name}", below, SpanKind.PRODUCER, attributes, start_time=began)
            if number in unconfirmed:
                _fail(span, "unconfirmed")
            span.end()

    @contextmanager
    def step(
        self,
        name: str,
        *,
        parent: str | None = None,
        server: Server | None = None,
        ids: Mapping[str, str] | None = None,
    ) -> Iterator[Step]:
        """Span a block, and name its trace in what is logged within."""
        attributes: dict[str, str | int] = {
            f"instroom.{field}": id for field, id in (ids or {}).items() if field in logs.FIELDS
        }
        if server:
            attributes |= {"server.address": server[0], "server.port": server[1]}
        kind = SpanKind.CLIENT if server else SpanKind.INTERNAL
        span = self._tracer.start_span(name, _context(parent) if parent else None, kind, attributes)
        trace_id = trace.format_trace_id(span.get_span_context().trace_id)
        with (
            trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False),
            structlog.contextvars.bound_contextvars(trace_id=trace_id),
        ):
            try:
                yield SpanStep(span)
            except BaseException as error:
                _fail(span, type(error).__name__)  # its text may repeat what nobody may read
                raise

    def under(self, tells: Sequence[Tell]) -> Sequence[Tell]:
        """Return events as they are told by the step that is being taken; where that is not sampled, as they were."""
        span = trace.get_current_span()
        if not span.is_recording():
            return tells
        traceparent = _traceparent(span)
        origins = [tell.in_reply_to and replace(tell.in_reply_to, traceparent=traceparent) for tell in tells]
        return [replace(tell, in_reply_to=origin) for tell, origin in zip(tells, origins, strict=True)]

    def close(self) -> None:
        """Hand over what is left; a collector that does not answer holds nobody up for long."""
        flushing = Thread(target=self._provider.shutdown, daemon=True)
        flushing.start()
        flushing.join(LONGEST_FLUSH_S)


def _messaging(operation: str, kind: str, exchange: str, routing_key: str) -> dict[str, Any]:
    return {
        "messaging.system": "rabbitmq",
        "messaging.operation.name": operation,
        "messaging.operation.type": kind,
        "messaging.destination.name": exchange,
        "messaging.rabbitmq.destination.routing_key": routing_key,
    }


def _named(id: str | None, source: str | None, type: str) -> dict[str, str]:
    """Return what names an event; of an invalid one only what is valid itself."""
    names = {
        "messaging.message.id": id,
        "cloudevents.event_id": id,
        "cloudevents.event_source": source,
        "cloudevents.event_type": type,
    }
    return {name: text for name, text in names.items() if text is not None}


def _under(event: CloudEvent[Any] | InvalidEvent, traceparent: str | None) -> CloudEvent[Any] | InvalidEvent:
    """Return an event as one that this span leads on."""
    if isinstance(event, CloudEvent):
        return event.model_copy(update={"traceparent": traceparent})
    return InvalidEvent(
        event.reason, event.problems, id=event.id, source=event.source, type=event.type, traceparent=traceparent
    )


def _span_of(message: Received) -> Span | None:
    return message.span if isinstance(message.span, Span) and message.span.is_recording() else None


def _fail(span: Span, code: str) -> None:
    span.set_attribute("error.type", code)
    span.set_status(StatusCode.ERROR)


def _context(traceparent: str | None) -> Context:
    return _W3C.extract({"traceparent": traceparent} if traceparent else {}, Context())


def _is_sampled(traceparent: str) -> bool:
    return bool(int(traceparent.split("-")[3], 16) & TraceFlags.SAMPLED)


def _is_valid(context: Context) -> bool:
    return trace.get_current_span(context).get_span_context().is_valid


def _traceparent(span: Span) -> str | None:
    carrier: dict[str, str] = {}
    _W3C.inject(carrier, trace.set_span_in_context(span, Context()))
    return carrier.get("traceparent")
