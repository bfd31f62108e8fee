"""One message of a batch is no valid event."""

from __future__ import annotations

import pytest

from deploy.errors import StartFailed
from instroom_contracts.cloudevent import type_of
from instroom_contracts.intake import EnrolmentRequested
from tests.e2e.world import World, open_world
from tests.support.place import Place
from tests.support.running import ServiceProcess, running
from tests.unit.enrolment.examples import edition, request


async def poisoned(place: Place, *, without: str | None = None) -> None:
    """Let a batch wait with one bad message in its middle, and check what becomes of each."""
    with running(place, "enrolment") as (enrolment,):
        async with open_world(place) as world:
            await world.publish_edition(edition())
            enrolment.stop()
            events = [request(name=f"deelnemer-{number}") for number in range(40)]
            for event in events[:20]:
                await world.systems.send(event)
            await world.systems.send_bytes(b'{"specversion": "1.0", "data": {', type_of(EnrolmentRequested), id=None)
            for event in events[20:]:
                await world.systems.send(event)
            restarted = ServiceProcess("enrolment", place, {}, copy=2, without=without)
            try:
                restarted.start()
                await only_the_bad_one_is_held(world, [event.id for event in events])
            finally:
                restarted.stop()


async def only_the_bad_one_is_held(world: World, requests: list[str]) -> None:
    """Check: everybody else has an answer, and the bad one is in quarantine with its reason."""
    answers = await world.answered(requests, within=10)
    assert {answer["kind"] for answer in answers} == {"enrolment-confirmed"}
    held = await world.databases["enrolment"]["quarantine"].find({}).to_list(None)
    assert [message["reason"] for message in held] == ["not-json"]


async def test_a_bad_message_is_held_and_its_neighbours_are_decided(place: Place) -> None:
    """One sender's mistake must cost nobody else a place."""
    await poisoned(place)


async def test_without_the_quarantine_it_takes_its_neighbours_along(place: Place) -> None:
    """Switched off, the guard of the test above is missed: the process ends, be it before it was even ready."""
    with pytest.raises((AssertionError, StartFailed)):
        await poisoned(place, without="quarantine")
