"""The service is killed again and again while a session with ten thousand places is being cancelled."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from instroom_contracts.catalog import EditionPublished
from tests.e2e.world import World, open_world
from tests.faults.load import every_promise_is_kept, every_request_is_answered_once, load
from tests.support.eventually import eventually
from tests.support.place import Place
from tests.support.running import running
from tests.unit.enrolment.examples import edition, request, session

PLACES = 10_000
SEATS = 9_000
KILLED_AT = (1_500, 4_000, 7_000)
"""How many places have ended when a kill comes."""


def doomed(version: int, state: str = "planned") -> EditionPublished:
    """Return the edition whose only session is to be cancelled."""
    return edition(session(capacity=SEATS, state=state), version=version, edition_id="vol")


async def ended(world: World) -> int:
    """Count the enrolments that have ended."""
    return int(await world.databases["enrolment"]["enrolments"].count_documents({"state": "cancelled"}))


async def has_ended(world: World, number: int, within: float) -> None:
    """Wait until so many places have ended."""

    async def enough() -> bool:
        return await ended(world) >= number

    await eventually(enough, within=within, every=0.01)


async def every_end_is_told_once(world: World) -> None:
    """Check in the stream: each enrolment ended once, and each place was released once."""
    told: Counter[tuple[str, str]] = Counter()
    for fact in {fact["id"]: fact for fact in world.systems.facts}.values():
        if fact["kind"] in {"enrolment-cancelled", "place-released"}:
            told[str(fact["kind"]), str(fact["data"]["enrolmentId"])] += 1
    assert set(told.values()) == {1}
    assert Counter(kind for kind, _ in told) == {"enrolment-cancelled": PLACES, "place-released": PLACES}


async def cancelled_under_fire(place: Place, *, without: str | None = None, within: float = 90) -> None:
    """Cancel, kill three times, have others ask for places elsewhere meanwhile, and look at what became of it all."""
    with running(place, "enrolment", without=without) as (enrolment,):
        async with open_world(place) as world:
            await world.publish_edition(doomed(1))
            await world.publish_edition(edition())
            asked = [request(name=f"deelnemer-{n}", edition_id="vol") for n in range(PLACES)]
            await world.send_all(asked)
            await world.answered([one.id for one in asked], within=120)
            async with load(world, 300, pause_s=0.5) as asking:
                await world.publish_edition(doomed(2, "cancelled"))
                for moment in KILLED_AT:
                    await has_ended(world, moment, within)
                    enrolment.kill()
                    await asyncio.to_thread(enrolment.start)
                asking.stop()
            await has_ended(world, PLACES, within)
            await every_request_is_answered_once(world, asking.asked)
            await eventually(lambda: every_end_is_told_once(world), within=30)
            await every_promise_is_kept(world, but="invitation", settle=5)


async def test_ten_thousand_places_end_once_whatever_is_killed(place: Place) -> None:
    """A portion is committed or it is not; what is left is in the database, with what was done."""
    await cancelled_under_fire(place)


async def test_without_keeping_what_is_left_most_would_never_end(place: Place) -> None:
    """Switched off, the guard of the test above is missed."""
    with pytest.raises((AssertionError, TimeoutError)):
        await cancelled_under_fire(place, without="rest", within=10)
