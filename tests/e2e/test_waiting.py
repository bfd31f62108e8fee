"""Requests that wait for their edition, one of which asks for more than its answer could say."""

from __future__ import annotations

import pytest

from tests.e2e.world import open_world
from tests.support.eventually import eventually
from tests.support.place import Place
from tests.support.running import running
from tests.unit.enrolment.examples import choice, companion, edition, request

SESSIONS = [f"{'een-werksessie-met-een-lange-naam' * 2}-{number}" for number in range(60)]
PARTY = [f"collega-{number}" for number in range(10)]


async def one_of_those_who_wait_asks_for_too_much(place: Place, without: str | None = None) -> None:
    """Let it wait among others until the edition comes, and check that each has the answer that is its own."""
    huge = request(*SESSIONS, companions=tuple(companion(name, *SESSIONS) for name in PARTY))
    good = [request(SESSIONS[0], name=f"deelnemer-{number}") for number in range(4)]
    with running(place, "enrolment", without=without):
        async with open_world(place) as world:
            await world.send_all([*good[:2], huge, *good[2:]], publishers=1)
            parked = world.databases["enrolment"]["parked"]
            await eventually(lambda: _count(parked, 5))
            await world.publish_edition(edition(*(choice(id, starts_at=None, companion="optional") for id in SESSIONS)))
            answers = await world.answered([event.id for event in (*good, huge)], within=8)
            await eventually(lambda: _count(parked, 0))
    by_request = {fact["correlationid"]: (fact["kind"], fact["data"].get("reason")) for fact in answers}
    assert by_request[huge.id] == ("enrolment-rejected", "invalid-request")
    assert {by_request[event.id] for event in good} == {("enrolment-confirmed", None)}


async def _count(collection: object, wanted: int) -> bool:
    return bool(await collection.count_documents({}) == wanted)  # type: ignore[attr-defined]


async def test_each_has_an_answer_of_its_own(place: Place) -> None:
    """An edition once was not taken in, for everybody, when one who waited for it asked for too much."""
    await one_of_those_who_wait_asks_for_too_much(place)


async def test_found_out_too_late_it_costs_them_their_answers(place: Place) -> None:
    """Switched off, the guard of the test above is missed."""
    with pytest.raises(AssertionError):
        await one_of_those_who_wait_asks_for_too_much(place, without="measure")
