"""Messages with properties that AMQP clients stumble over, in the middle of good ones."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from aiormq.exceptions import ChannelPreconditionFailed

from deploy.errors import StartFailed
from deploy.web import answers_well
from instroom_contracts.cloudevent import CloudEvent, encode, type_of
from instroom_contracts.intake import EnrolmentRequested
from instroom_contracts.topology import INTAKE
from tests.e2e.world import World, open_world
from tests.support.eventually import eventually
from tests.support.oddities import READABLE, SILLY, STRANGE_KEY, UNREADABLE, properties, publish_raw, raw_channel
from tests.support.place import Place
from tests.support.running import ServiceProcess, running
from tests.support.sabotage import FRAGILE
from tests.unit.enrolment.examples import edition, request

Request = CloudEvent[EnrolmentRequested]
KEY = type_of(EnrolmentRequested).encode()


ANYBODY = {"INTAKE_SENDERS": "any"}
"""Some odd messages cannot say whose they are, which where senders must be known is what is wrong with them."""


async def odd_messages(world: World, kinds: Mapping[str, bytes], key: bytes = KEY) -> dict[str, Request]:
    """Publish a valid request with each of these properties; return those that the broker took, by their kinds."""
    taken = {}
    for number, (kind, raw) in enumerate(kinds.items()):
        event = request(name=f"anders-{len(kinds)}-{number}")
        try:
            async with raw_channel(world.place.rabbitmq_url_of("integrator")) as channel:
                await publish_raw(channel, INTAKE, key, raw, encode(event).body)
            taken[kind] = event
        except ChannelPreconditionFailed:
            assert kinds is SILLY, f"the broker refuses {kind}"
    return taken


async def held(world: World) -> dict[str, dict[str, Any]]:
    """Return what is in quarantine, by the ids of events."""
    rows = await world.databases["enrolment"]["quarantine"].find({}).to_list(None)
    return {str(row["eventId"]): row for row in rows}


async def every_kind_among_good_ones(place: Place, *, without: str | None = None) -> None:
    """Let a service find every kind of odd message in the middle of good ones, and check what becomes of each."""
    with running(place, "enrolment", settings=ANYBODY) as (enrolment,):
        async with open_world(place) as world:
            await world.publish_edition(edition())
            enrolment.stop()
            good = [request(name=f"deelnemer-{number}") for number in range(30)]
            await world.send_all(good[:15])
            bad = await odd_messages(world, UNREADABLE) | await odd_messages(world, SILLY)
            fine = await odd_messages(world, READABLE)
            await world.send_all(good[15:])
            restarted = ServiceProcess("enrolment", place, ANYBODY, copy=2, without=without)
            try:
                restarted.start()
                await everyone_gets_an_answer(world, [*good, *fine.values()], bad)
                assert restarted.is_ready()
            finally:
                restarted.stop()


async def everyone_gets_an_answer(world: World, good: list[Request], bad: Mapping[str, Request]) -> None:
    """Check: who can be read is enrolled within seconds; who cannot is held, told so, and not enrolled."""
    answers = await world.answered([event.id for event in good], within=10)
    assert {answer["kind"] for answer in answers} == {"enrolment-confirmed"}
    refused = await world.answered([event.id for event in bad.values()], within=10)
    assert {(answer["kind"], answer["data"]["reason"]) for answer in refused} == {
        ("enrolment-rejected", "invalid-request")
    }
    rows = await held(world)
    assert {kind: rows[event.id]["reason"] for kind, event in bad.items()} == dict.fromkeys(
        bad, "unreadable-properties"
    )
    assert len(rows) == len(bad)
    queues = world.place.servers.broker.management.call("GET", f"queues/{world.place.name}")
    assert not [queue["name"] for queue in queues if queue["name"].endswith(".dead") and queue.get("messages")]


async def test_every_kind_is_held_and_answered_and_its_neighbours_are_decided(place: Place) -> None:
    """One message with a clock in microseconds once stopped every queue for a quarter of an hour."""
    await every_kind_among_good_ones(place)


async def test_read_as_the_client_reads_them_they_stop_everybody(place: Place) -> None:
    """Switched off, the guard of the test above is missed."""
    with pytest.raises((AssertionError, StartFailed)):
        await every_kind_among_good_ones(place, without="legibility")


async def test_a_routing_key_that_is_no_text_stops_nobody(place: Place) -> None:
    """It leads to no queue of ours but the one for what nobody hears; the client raises on it all the same."""
    with running(place, "enrolment", settings=ANYBODY) as (enrolment,):
        async with open_world(place) as world:
            await world.publish_edition(edition())
            (odd,) = (await odd_messages(world, {"plain": properties({})}, STRANGE_KEY)).values()
            await eventually(lambda: _is_held(world, odd, "unknown-type"))
            after = request()
            await world.systems.send(after)
            await world.answered([after.id], within=10)
            assert enrolment.is_ready()


async def _is_held(world: World, event: Request, reason: str) -> bool:
    row = (await held(world)).get(event.id)
    return row is not None and row["reason"] == reason


async def a_message_that_loses_connections(place: Place, without: str) -> None:
    """Let one of twenty messages end the connection whenever it is delivered."""
    with running(place, "enrolment") as (enrolment,):
        async with open_world(place) as world:
            await world.publish_edition(edition())
            enrolment.stop()
            good = [request(name=f"deelnemer-{number}") for number in range(20)]
            bad = request(name="anders", answers={"casus": FRAGILE.decode()})
            for event in (*good[:10], bad, *good[10:]):
                await world.systems.send(event)
            restarted = ServiceProcess("enrolment", place, {}, copy=2, without=without)
            try:
                restarted.start()
                answers = await world.answered([event.id for event in good], within=30)
                assert {answer["kind"] for answer in answers} == {"enrolment-confirmed"}
                await eventually(lambda: _is_alone_in_quarantine(world), within=10)
                await eventually(restarted.ready, within=10)
            finally:
                restarted.stop()


async def _is_alone_in_quarantine(world: World) -> bool:
    rows = await world.databases["enrolment"]["quarantine"].find({}).to_list(None)
    return [(row["reason"], FRAGILE in row["body"]) for row in rows] == [("unreadable-properties", True)]


async def test_a_message_that_loses_the_connection_for_reasons_unknown_is_found_and_held(place: Place) -> None:
    """What nobody foresaw must cost some connections at most, and nobody their place."""
    await a_message_that_loses_connections(place, without="fragile")


async def test_without_the_breaker_it_stops_everybody_for_good(place: Place) -> None:
    """Switched off, the guard of the test above is missed."""
    with pytest.raises((AssertionError, StartFailed)):
        await a_message_that_loses_connections(place, without="breaker")


async def test_a_service_that_takes_messages_and_gets_none_done_is_not_ready(place: Place) -> None:
    """The broker sees a consumer, and whoever watches must not."""
    with running(place, "enrolment", without="progress") as (enrolment,):
        async with open_world(place) as world:
            await asyncio.to_thread(answers_well, enrolment.url)
            await world.systems.send(request())
            await eventually(enrolment.troubled, within=10)
            assert "enrolment.enrolment-requested.v1: 1 messages are in hand" in enrolment.trouble()
