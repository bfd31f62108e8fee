"""The enrolment service is killed again and again while requests pour in."""

from __future__ import annotations

import asyncio

import pytest

from tests.e2e.world import open_world
from tests.faults.load import decided, every_promise_is_kept, every_request_is_answered_once, load
from tests.support.place import Place
from tests.support.running import running
from tests.unit.enrolment.examples import edition, session

REQUESTS = 1500
SEATS = 200
KILLED_AT = (50, 300, 600, 900)
"""How many messages are decided when a kill comes: some are in memory then, some are committed and not acknowledged."""

SMALL_BATCHES = {"BATCH_SIZE": "50"}


async def killed(place: Place, *, without: str | None = None, within: float = 60) -> None:
    """Kill the service in mid-load, start it again, and check that nobody outside could tell."""
    with running(place, "enrolment", settings=SMALL_BATCHES, without=without) as (enrolment,):
        async with open_world(place) as world:
            await world.publish_edition(edition(session(capacity=SEATS)))
            async with load(world, REQUESTS) as asking:
                for moment in KILLED_AT:
                    await decided(world, moment, within=within)
                    enrolment.kill()
                    await asyncio.to_thread(enrolment.start)
            await every_request_is_answered_once(world, asking.asked, within=within)
            await every_promise_is_kept(world, but="invitation", settle=0)


async def test_a_killed_service_loses_nothing_and_decides_nothing_twice(place: Place) -> None:
    """Machines die; a participant who was promised an answer must not notice."""
    await killed(place)


async def test_without_acknowledging_after_the_commit_requests_are_lost(place: Place) -> None:
    """Switched off, the guard of the test above is missed."""
    with pytest.raises(AssertionError):
        await killed(place, without="acknowledgement", within=5)
