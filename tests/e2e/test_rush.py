"""Two thousand want one of twenty seats at the same moment."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.e2e.world import Fact, World, open_world
from tests.support.place import Place
from tests.support.running import running
from tests.unit.enrolment.examples import edition, request, session

CROWD = 2000
SEATS = 20


async def rush(place: Place, crowd: int, *, without: str | None = None) -> None:
    """Let the crowd come, and check what became of it."""
    with running(place, "enrolment", without=without):
        async with open_world(place) as world:
            await world.publish_edition(edition(session(capacity=SEATS)))
            events = [request(name=f"deelnemer-{number}") for number in range(crowd)]
            await world.send_all(events)
            answers = await world.answered([event.id for event in events])
            seats_go_to_the_first(answers, crowd)
            await nothing_else_is_wrong(world)


def seats_go_to_the_first(answers: list[Fact], crowd: int) -> None:
    """Check: one answer each, twenty seats, and the rest in the order in which they were decided."""
    assert max(Counter(answer["correlationid"] for answer in answers).values()) == 1
    assert len(answers) == crowd
    places = [answer["data"]["places"][0] for answer in answers]
    assert [place["state"] for place in places] == ["confirmed"] * SEATS + ["queued"] * (crowd - SEATS)
    assert [place["position"] for place in places[SEATS:]] == list(range(1, crowd - SEATS + 1))


async def nothing_else_is_wrong(world: World) -> None:
    """Have the auditor look; mails are not what this is about, since nobody sends them here."""
    broken = [verdict for verdict in await world.verdicts() if "invitation" not in verdict.promise]
    assert not broken


async def test_a_rush_gives_each_seat_once_and_queues_the_rest_in_order(place: Place) -> None:
    """Overbooking under a rush is what users of other systems complain of most."""
    await rush(place, CROWD)


async def test_without_counting_seats_the_same_rush_overbooks(place: Place) -> None:
    """Switched off, the guard of the test above is missed."""
    with pytest.raises(AssertionError):
        await rush(place, 100, without="seats")
