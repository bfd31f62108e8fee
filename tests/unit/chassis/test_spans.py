"""The spans of messages and mails, as OpenTelemetry's own exporter for tests gets them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import (
    SimpleSpanProcessor,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased, Sampler
from opentelemetry.trace import SpanContext, SpanKind, StatusCode
from structlog.contextvars import get_contextvars
from structlog.testing import capture_logs

from chassis import service, tracing
from chassis.deciding import Held, Received, Told, Verdict, decide, goes_back_to
from chassis.documents import Kind, Loaded
from chassis.errors import Conflict
from chassis.handling import Tell
from chassis.outbox import Teller
from chassis.senders import ALL_SENDERS
from chassis.spans import Exporter, SpanTracer
from instroom_contracts.cloudevent import CloudEvent
from instroom_contracts.origin import Origin
from tests.unit.chassis.toy import JARS, SOURCE, TELLS, CountRose, invalid, received

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SENDER = f"00-{TRACE}-00f067aa0ba902b7-01"
UNSAMPLED = f"00-{TRACE}-00f067aa0ba902b7-00"
NOW = datetime(2021, 5, 20, 9, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Traced:
    """A tracer, and the spans that it has ended."""

    tracer: SpanTracer
    exporter: InMemorySpanExporter

    @property
    def spans(self) -> list[ReadableSpan]:
        """Return what was exported, in the order of ending."""
        return list(self.exporter.get_finished_spans())

    def one(self, name: str) -> ReadableSpan:
        """Return the only span of this name."""
        (found,) = (span for span in self.spans if span.name == name)
        return found


def traced(sampler: Sampler | None = None) -> Traced:
    """Build a tracer that keeps its spans here."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampler, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return Traced(SpanTracer(provider, SOURCE), exporter)


@pytest.fixture
def here() -> Traced:
    """Provide a tracer that samples as by default."""
    return traced()


def sent(id: str = "1", traceparent: str | None = SENDER) -> Received:
    """Build a message that its sender traces."""
    message = received("a", id=id)
    assert isinstance(message.event, CloudEvent)
    return replace(message, event=message.event.model_copy(update={"traceparent": traceparent}))


def context(span: ReadableSpan) -> SpanContext:
    """Return the ids of a span."""
    found = span.get_span_context()
    assert found is not None
    return found


def named(span: ReadableSpan) -> str:
    """Return the traceparent that names a span."""
    of = context(span)
    return f"00-{of.trace_id:032x}-{of.span_id:016x}-{int(of.trace_flags):02x}"


def parent(span: ReadableSpan) -> str:
    """Return the id of the span above."""
    assert span.parent is not None
    return f"{span.parent.span_id:016x}"


def attributes(span: ReadableSpan) -> dict[str, Any]:
    """Return what a span says."""
    return dict(span.attributes or {})


async def verdict_on(*batch: Received, inbox: dict[str, str] | None = None) -> Verdict:
    """Decide messages of the toy service."""
    kind = cast("Kind[Any]", JARS)
    verdict = await decide(batch, inbox or {}, Loaded(values={ALL_SENDERS: None, (kind, "a"): None}), NOW)
    assert isinstance(verdict, Verdict)
    return verdict


async def test_a_message_is_a_span_below_its_senders(here: Traced) -> None:
    """The sender finds what became of its publish in the trace that it began."""
    message = here.tracer.begin(sent(), 1_000)
    here.tracer.end([message], await verdict_on(message))
    span = here.one("process toy.thing-counted.v1")
    assert span.kind is SpanKind.CONSUMER
    assert span.start_time == 1_000
    assert parent(span) == "00f067aa0ba902b7"
    assert attributes(span) == {
        "messaging.system": "rabbitmq",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "instroom.intake",
        "messaging.rabbitmq.destination.routing_key": "nl.enrolments.thing-counted.v1",
        "messaging.message.id": "1",
        "messaging.message.body.size": len(message.body),
        "cloudevents.event_id": "1",
        "cloudevents.event_source": SOURCE,
        "cloudevents.event_type": "nl.enrolments.thing-counted.v1",
        "instroom.state": "decided",
    }


async def test_a_fact_names_the_span_that_decided_it(here: Traced) -> None:
    """What a subscriber does hangs below what led to it, in the sender's trace."""
    message = here.tracer.begin(sent(), 1)
    verdict = await verdict_on(message)
    here.tracer.end([message], verdict)
    fact = Teller.of(SOURCE, TELLS).envelope(verdict.told[0], NOW)
    assert fact["traceparent"] == named(here.spans[0])
    assert f'"traceparent":"{named(here.spans[0])}"'.encode() in fact["body"]


async def test_a_message_without_a_trace_begins_one(here: Traced) -> None:
    """Also for a sender that traces nothing, an operator sees the way to the mail."""
    message = here.tracer.begin(sent(traceparent=None), 1)
    here.tracer.end([message], await verdict_on(message))
    assert here.spans[0].parent is None
    assert goes_back_to(message).traceparent == named(here.spans[0])


@pytest.mark.parametrize("nonsense", [f"00-{'0' * 32}-{'0' * 16}-01", f"ff-{TRACE}-00f067aa0ba902b7-01"])
def test_a_trace_that_w3c_does_not_know_begins_anew(here: Traced, nonsense: str) -> None:
    """Zeros and version ff are of the right shape and name nothing."""
    message = here.tracer.begin(sent(traceparent=nonsense), 1)
    assert message.event.traceparent is not None
    assert TRACE not in message.event.traceparent


async def test_what_its_sender_does_not_sample_makes_no_span(here: Traced) -> None:
    """The decision is the sender's, and it travels on as it came."""
    message = here.tracer.begin(sent(traceparent=UNSAMPLED), 1)
    with here.tracer.committing([message]):
        verdict = await verdict_on(message)
    here.tracer.end([message], verdict)
    fact = Teller.of(SOURCE, TELLS).envelope(verdict.told[0], NOW)
    await here.tracer.published([fact], 1, set())
    with here.tracer.step("send mail", parent=fact["traceparent"]), here.tracer.step("smtp"):
        (told,) = here.tracer.under([Tell(CountRose(jar="a", count=1), "a", in_reply_to=goes_back_to(message))])
    assert here.spans == []
    assert fact["traceparent"] == UNSAMPLED
    assert told.in_reply_to == goes_back_to(message)


def test_what_we_do_not_sample_is_not_sampled_further_on() -> None:
    """A trace that we begin and leave out would otherwise come up in pieces."""
    message = traced(ParentBased(ALWAYS_OFF)).tracer.begin(sent(traceparent=None), 1)
    assert str(message.event.traceparent).endswith(("-00", "-02"))  # W3C level 2: 02 says that the id is random


def test_the_answer_to_an_invalid_event_is_in_its_senders_trace(here: Traced) -> None:
    """Who made the mistake looks for it there."""
    message = invalid(id="1")
    message.event.traceparent = SENDER  # type: ignore[misc]
    assert TRACE in str(goes_back_to(here.tracer.begin(message, 1)).traceparent)


async def test_the_commit_is_below_the_first_message_and_linked_from_the_others(here: Traced) -> None:
    """Hundreds of messages share one transaction; each finds it."""
    batch = [here.tracer.begin(sent(str(number), None), 1) for number in range(3)]
    with here.tracer.committing(batch):
        verdict = await verdict_on(*batch)
    here.tracer.end(batch, verdict)
    commit, *messages = here.spans
    assert attributes(commit) == {"messaging.batch.message_count": 3}
    assert parent(commit) == f"{context(messages[0]).span_id:016x}"
    assert [[link.context for link in span.links] for span in messages] == [[], *[[context(commit)]] * 2]


async def test_what_is_decided_again_says_so(here: Traced) -> None:
    """Why a message took long is told by the message, too."""
    batch = [here.tracer.begin(sent(), 1)]
    with pytest.raises(Conflict), here.tracer.committing(batch):
        raise Conflict("somebody's name")
    here.tracer.end(batch, await verdict_on(*batch))
    failed, message = here.spans
    assert (failed.name, failed.status.status_code) == ("commit", StatusCode.ERROR)
    assert [(event.name, dict(event.attributes or {})) for event in message.events] == [
        ("decided again", {"error.type": "Conflict"})
    ]
    assert message.status.is_ok


async def test_a_span_says_what_a_message_came_to(here: Traced) -> None:
    """Duplicates and what is held look like any other message from outside."""
    first, again, wrong = (here.tracer.begin(one, 1) for one in (sent("1"), sent("1"), invalid(id="2")))
    verdict = await verdict_on(first, again, wrong)
    here.tracer.end([first, again, wrong], verdict)
    states = [attributes(span)["instroom.state"] for span in here.spans]
    assert states == ["decided", "duplicate", "held"]
    assert attributes(here.spans[2])["error.type"] == "invalid-event"


async def test_a_reused_id_is_held(here: Traced) -> None:
    """It is neither decided nor a plain duplicate."""
    message = here.tracer.begin(sent("1"), 1)
    verdict = Verdict(held=[Held(message, "id-reused", ())])
    here.tracer.end([message], verdict)
    assert attributes(here.spans[0])["error.type"] == "id-reused"


async def test_publishing_is_below_what_the_fact_names(here: Traced) -> None:
    """The relay may be another process, and publishes what others have decided."""
    message = sent()
    teller = Teller.of(SOURCE, TELLS)
    facts = [teller.envelope(Told(Tell(CountRose(jar="a", count=1), "a"), message, n), NOW) for n in range(2)]
    untraced = teller.envelope(Told(Tell(CountRose(jar="a", count=1), "a"), received("a", id="2"), 0), NOW)
    await here.tracer.published([*facts, untraced], 1_000, {1})
    confirmed, unconfirmed = here.spans
    assert (confirmed.name, confirmed.kind) == ("publish nl.enrolments.count-rose.v1", SpanKind.PRODUCER)
    assert (confirmed.start_time, parent(confirmed)) == (1_000, "00f067aa0ba902b7")
    assert attributes(confirmed)["messaging.message.id"] == facts[0]["id"]
    assert attributes(confirmed)["messaging.destination.name"] == "instroom.events"
    assert confirmed.status.is_ok
    assert attributes(unconfirmed)["error.type"] == "unconfirmed"


def test_a_step_is_below_its_letter_and_its_parts_below_it(here: Traced) -> None:
    """Composing and sending are told apart, and what is logged meanwhile names the trace."""
    with here.tracer.step("send mail", parent=SENDER, ids={"invite_id": "i1"}):
        with here.tracer.step("smtp", server=("mail.example.org", 25)) as smtp:
            assert get_contextvars()["trace_id"] == TRACE
            smtp.fail("address-refused")
        (told,) = here.tracer.under([Tell(CountRose(jar="a", count=1), "a", in_reply_to=Origin("1", SOURCE, SENDER))])
    smtp_span, mail = here.spans
    assert attributes(mail) == {"instroom.invite_id": "i1"}
    assert parent(mail) == "00f067aa0ba902b7"
    assert parent(smtp_span) == f"{context(mail).span_id:016x}"
    assert smtp_span.kind is SpanKind.CLIENT
    assert attributes(smtp_span) == {
        "server.address": "mail.example.org", "server.port": 25, "error.type": "address-refused",
    }  # fmt: skip
    assert told.in_reply_to == Origin("1", SOURCE, named(mail))
    assert "trace_id" not in get_contextvars()


def test_a_span_has_no_room_for_names(here: Traced) -> None:
    """The allow-list of logs holds for ids; the text of an error may hold anything, and stays out."""
    with pytest.raises(ValueError, match="Robin"), here.tracer.step("compose", ids={"name": "Robin Jansen"}):
        raise ValueError("Robin Jansen, robin.jansen@example.org")
    (span,) = here.spans
    assert "obin" not in span.to_json()
    assert attributes(span) == {"error.type": "ValueError"}


class Collector(SpanExporter):
    """Takes spans or not, as the test says."""

    def __init__(self, *answers: SpanExportResult) -> None:
        self._answers = iter(answers)

    def export(self, spans: object) -> SpanExportResult:
        """Answer as the test says."""
        return next(self._answers)


def test_a_collector_that_is_away_is_logged_once_per_outage() -> None:
    """A line for every attempt would drown what an operator has to see."""
    away, there = SpanExportResult.FAILURE, SpanExportResult.SUCCESS
    exporter = Exporter(Collector(there, away, away, there, away))
    with capture_logs() as lines:
        for _ in range(5):
            exporter.export([])
    assert [line["event"] for line in lines] == ["collector_away", "collector_back", "collector_away"]


def test_off_is_the_default_and_does_nothing() -> None:
    """Who asks for no traces pays for none."""
    off = service.tracer_of(SOURCE, "instroom-toy", "")
    message = sent()
    assert off is tracing.OFF
    assert off.begin(message, 1) is message
    with off.committing([message]), off.step("smtp") as step:
        step.fail("address-refused")
    off.end([message], Verdict())
    asyncio.run(off.published([], 1, set()))
    off.close()


def test_off_leaves_opentelemetry_out_of_the_process() -> None:
    """Its import alone takes time and memory."""
    program = (
        "import sys; from chassis import service; from services.notification import app;"
        "service.tracer_of('urn:nld:x:y', 'toy', '');"
        "sys.exit(bool({'opentelemetry.trace', 'opentelemetry.sdk', 'google.protobuf'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_on_brings_it_in() -> None:
    """Otherwise the test above would see nothing in any case."""
    program = (
        "import sys; from chassis import service; t = service.tracer_of('urn:nld:x:y', 'toy', 'http://127.0.0.1:9'); "
        "t.close(); sys.exit('opentelemetry.sdk.trace' not in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
