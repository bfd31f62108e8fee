"""One trace from a sender's publish to the mail, as a collector gets it from the services over OTLP."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, get_args

import pytest

from chassis.mongo import Driver
from demo.integrator import Integrator
from instroom_contracts.catalog import EditionPublished
from instroom_contracts.cloudevent import CloudEvent, encode
from tests.e2e.world import Fact, World, open_world
from tests.support.collector import Collector, Spanned, open_collector
from tests.support.eventually import eventually
from tests.support.mailserver import BUSY, MailServer
from tests.support.place import Place
from tests.support.running import ensure_no_personal_data, running
from tests.unit.enrolment.examples import edition, request, session

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SENDER = "00f067aa0ba902b7"
REQUESTED = "enrolment: process enrolment.enrolment-requested.v1"
INVITED = "notification: process notification.invitation-requested.v1"
MAILED = "notification: send mail"

WAY = {
    REQUESTED: None,
    "enrolment: commit": REQUESTED,
    "enrolment: publish nl.enrolments.enrolment-confirmed.v1": REQUESTED,
    "enrolment: publish nl.enrolments.invitation-requested.v1": REQUESTED,
    INVITED: REQUESTED,
    "notification: commit": INVITED,
    MAILED: INVITED,
    "notification: compose": MAILED,
    "notification: smtp": MAILED,
    "notification: publish nl.enrolments.invite-sent.v1": MAILED,
}
"""The spans from a request to the mail, each with the one above it."""


def asking(traceparent: str | None = f"00-{TRACE}-{SENDER}-01", **fields: Any) -> CloudEvent[Any]:
    """Build a request that its sender traces."""
    return request(**fields).model_copy(update={"traceparent": traceparent})


def on_site() -> EditionPublished:
    """Build an edition whose invitations need no link."""
    return edition(session(form="on-site", location="Utrecht"))


def settings(mail_server: MailServer, collector: str, **more: str) -> dict[str, str]:
    """Return what the services need for this."""
    mail = {"SMTP_URL": mail_server.url, "MAIL_POLL_MS": "50", "MAIL_FIRST_PAUSE_S": "0.1"}
    return {**mail, "OTEL_EXPORTER_OTLP_ENDPOINT": collector, "OTEL_BSP_SCHEDULE_DELAY": "100", **more}


@asynccontextmanager
async def at_work(place: Place, settings: dict[str, str]) -> AsyncIterator[World]:
    """Have enrolment and notification run, with an edition to enrol in."""
    with running(place, "enrolment", "notification", settings=settings):
        async with open_world(place) as world:
            await world.publish_edition(on_site(), "enrolment", "notification")
            yield world


async def heard(systems: Integrator, kind: str, request: str) -> Fact:
    """Wait for a fact that a request led to."""

    def facts() -> list[Fact]:
        return [fact for fact in systems.facts if fact["kind"] == kind and fact.get("correlationid") == request]

    await eventually(lambda: bool(facts()), within=20)
    return facts()[0]


async def whole_way(collector: Collector, trace: str, *, below: str) -> dict[str, Spanned]:
    """Wait for every span of the way from a request to its mail; check what each is below."""
    await eventually(lambda: set(WAY) <= set(collector.of(trace)), within=20)
    spans = collector.of(trace)
    above = {name: spans[over].id if over else below for name, over in WAY.items()}
    assert {name: spans[name].parent for name in WAY} == above
    assert set(spans) == set(WAY)
    return spans


@pytest.mark.parametrize("driver", get_args(Driver))
async def test_one_trace_leads_from_the_senders_publish_to_the_mail(
    place: Place, mail_server: MailServer, driver: str
) -> None:
    """Who asks what became of a request sees all of it in one place, and subscribers' spans join in."""
    with open_collector() as collector:
        async with at_work(place, settings(mail_server, collector.url, MONGO_DRIVER=driver)) as world:
            event = asking()
            await world.systems.send(event)
            confirmed = await heard(world.systems, "enrolment-confirmed", event.id)
            sent = await heard(world.systems, "invite-sent", event.id)
            spans = await whole_way(collector, TRACE, below=SENDER)
        assert confirmed["traceparent"] == spans[REQUESTED].traceparent
        assert sent["traceparent"] == spans[MAILED].traceparent
        assert not any(span.failed for span in spans.values())
        ensure_no_personal_data("".join(span.raw for span in collector.spans))
        assert sum("instroom.invite_id" in span.raw for span in spans.values()) == 1


async def test_a_request_without_a_trace_gets_one(place: Place, mail_server: MailServer) -> None:
    """Most senders trace nothing."""
    with open_collector() as collector:
        async with at_work(place, settings(mail_server, collector.url)) as world:
            event = asking(None)
            await world.systems.send(event)
            confirmed = await heard(world.systems, "enrolment-confirmed", event.id)
            await whole_way(collector, confirmed["traceparent"].split("-")[1], below="")


async def test_a_request_that_waited_for_its_edition_keeps_its_trace(place: Place, mail_server: MailServer) -> None:
    """What it waited for has a trace of its own."""
    with open_collector() as collector, running(place, "enrolment", settings=settings(mail_server, collector.url)):
        async with open_world(place) as world:
            event = asking()
            await world.systems.send(event)
            parked = world.databases["enrolment"]["parked"]
            await eventually(lambda: parked.count_documents({}), within=20)
            await world.publish_edition(on_site())
            confirmed = await heard(world.systems, "enrolment-confirmed", event.id)
            await eventually(lambda: REQUESTED in collector.of(TRACE))
            assert confirmed["traceparent"] == collector.of(TRACE)[REQUESTED].traceparent


async def test_a_mail_that_is_tried_again_shows_both_attempts(place: Place, mail_server: MailServer) -> None:
    """An operator sees why it came late; what is logged of it names the trace."""
    mail_server.answers.append(BUSY)
    with open_collector() as collector:
        with running(place, "enrolment", "notification", settings=settings(mail_server, collector.url)) as processes:
            async with open_world(place) as world:
                await world.publish_edition(on_site(), "enrolment", "notification")
                event = asking()
                await world.systems.send(event)
                await heard(world.systems, "invite-sent", event.id)
                await eventually(lambda: len(attempts(collector)) == 2)
            assert [span.failed for span in attempts(collector)] == [True, False]
        lines = [json.loads(line) for line in processes[1].logs().splitlines() if "mail_attempted" in line]
        assert [line["trace_id"] for line in lines] == [TRACE, TRACE]


def attempts(collector: Collector) -> list[Spanned]:
    """Return the attempts to send a mail."""
    return [span for span in collector.spans if span.name == "smtp"]


async def test_what_a_sender_does_not_sample_leaves_no_span(place: Place, mail_server: MailServer) -> None:
    """A sender that samples one request in a thousand must not get the other 999 from us."""
    traceparent = f"00-{TRACE}-{SENDER}-00"
    with open_collector() as collector:
        async with at_work(place, settings(mail_server, collector.url)) as world:
            unsampled = asking(traceparent)
            await world.systems.send(unsampled)
            sent = await heard(world.systems, "invite-sent", unsampled.id)
            assert sent["traceparent"] == traceparent
        assert collector.spans, "the stop hands over what is left"
        assert not collector.of(TRACE)


async def test_the_way_of_the_sampler_is_the_settings(place: Place, mail_server: MailServer) -> None:
    """The standard's own settings are heeded."""
    sampler = {"OTEL_TRACES_SAMPLER": "parentbased_always_off"}
    with open_collector() as collector:
        async with at_work(place, settings(mail_server, collector.url, **sampler)) as world:
            left_out, asked_for = asking(None, name="sam"), asking(name="robin")
            for event in (left_out, asked_for):
                await world.systems.send(event)
                await heard(world.systems, "invite-sent", event.id)
        assert {span.trace for span in collector.spans} == {TRACE}


@pytest.mark.parametrize("state", ["refuses", "is-silent"])
async def test_a_collector_that_is_away_costs_nothing_but_its_spans(
    place: Place, mail_server: MailServer, state: str
) -> None:
    """Every request is answered and mailed, and a stop is not held up."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        if state == "refuses":
            silent.close()
        await nothing_is_lost(place, mail_server, f"http://127.0.0.1:{port}")


async def nothing_is_lost(place: Place, mail_server: MailServer, collector: str) -> None:
    """Let three hundred ask for a place, and check what became of them."""
    with running(place, "enrolment", "notification", settings=settings(mail_server, collector)) as processes:
        async with open_world(place) as world:
            await world.publish_edition(on_site(), "enrolment", "notification")
            events = [asking(name=f"deelnemer-{number}") for number in range(300)]
            await world.send_all(events)
            assert len(await world.answered([event.id for event in events])) == 300
            await eventually(lambda: len(mail_server.taken) == 300, within=60)
            assert not await world.verdicts()
        for process in processes:
            before = time.monotonic()
            process.stop()
            assert time.monotonic() - before < 8


async def test_off_the_senders_trace_is_passed_on_as_it_came(place: Place, mail_server: MailServer) -> None:
    """An integrator's subscriber can join the trace whether or not the operator collects any."""
    async with at_work(place, settings(mail_server, "")) as world:
        event = asking()
        await world.systems.send(event)
        for kind in ("enrolment-confirmed", "invite-sent"):
            assert (await heard(world.systems, kind, event.id))["traceparent"] == event.traceparent


async def test_the_answer_to_an_invalid_request_is_in_its_trace(place: Place, mail_server: MailServer) -> None:
    """Its sender looks for the mistake there."""
    with open_collector() as collector, running(place, "enrolment", settings=settings(mail_server, collector.url)):
        async with open_world(place) as world:
            event = asking()
            body = encode(event).body.replace(b'"editionId"', b'"edition"')
            await world.systems.send_bytes(body, event.type, id=event.id)
            rejected = await heard(world.systems, "enrolment-rejected", event.id)
            await eventually(lambda: REQUESTED in collector.of(TRACE))
            assert rejected["traceparent"] == collector.of(TRACE)[REQUESTED].traceparent
            assert collector.of(TRACE)[REQUESTED].failed
