"""Two processes of the enrolment service share one queue, and fight over one session."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.e2e.world import Fact, open_world
from tests.support.place import Place
from tests.support.running import running
from tests.unit.enrolment.examples import cancellation, edition, request, session

CROWD = 600
SEATS = 50
SMALL_BATCHES = {"BATCH_SIZE": "20"}
"""So that both processes have a share of the work."""


async def share(place: Place, *, without: str | None = None) -> None:
    """Let both decide requests and then cancellations of one session, and check that one would have done the same."""
    with running(place, "enrolment", "enrolment", settings=SMALL_BATCHES, without=without):
        async with open_world(place) as world:
            await world.publish_edition(edition(session(capacity=SEATS)))
            events = [request(name=f"deelnemer-{number}") for number in range(CROWD)]
            await world.send_all(events)
            answers = await world.answered([event.id for event in events])
            assert len(answers) == CROWD
            seated = [fact["data"]["enrolmentId"] for fact in answers if fact["kind"] == "enrolment-confirmed"]
            assert len(seated) == SEATS
            await world.send_all([cancellation(enrolment) for enrolment in seated[:20]])
            broken = [verdict for verdict in await world.verdicts() if "invitation" not in verdict.promise]
            assert not broken
            versions_rise([fact for fact in world.systems.facts if "sessionVersion" in str(fact["data"])])


def versions_rise(facts: list[Fact]) -> None:
    """Check that a subscriber hears of the session in the order of its versions."""
    heard = [version for fact in facts for version in _versions(fact["data"])]
    assert len(heard) > CROWD
    assert all(earlier <= later for earlier, later in pairwise(heard))


def _versions(data: Fact) -> list[int]:
    return (
        [data["sessionVersion"]] if "sessionVersion" in data else [place["sessionVersion"] for place in data["places"]]
    )


async def test_two_processes_keep_every_promise_and_the_order(place: Place) -> None:
    """An operator may start a second process whenever there is much to do."""
    await share(place)


async def test_without_isolation_they_get_in_each_others_way(place: Place) -> None:
    """Switched off, the guard of the test above is missed."""
    with pytest.raises(AssertionError):
        await share(place, without="isolation")
