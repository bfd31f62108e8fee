"""One of two processes stalls, the one that tells the facts, for longer than its lease; then it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest

from tests.e2e.world import Fact, World, open_world
from tests.faults.load import decided, every_promise_is_kept, every_request_is_answered_once, load
from tests.support.eventually import eventually
from tests.support.place import Place
from tests.support.running import ServiceProcess, running
from tests.unit.enrolment.examples import edition, session

REQUESTS = 600
SEATS = 50
SMALL_BATCHES = {"BATCH_SIZE": "20"}


async def stalled(place: Place, *, without: str | None = None) -> None:
    """Freeze the process that began first, and so tells the facts; thaw it when the other has taken over."""
    with running(place, "enrolment", "enrolment", settings=SMALL_BATCHES, without=without) as (first, _):
        async with open_world(place) as world:
            await world.publish_edition(edition(session(capacity=SEATS)))
            async with load(world, REQUESTS) as asking:
                await decided(world, REQUESTS // 4)
                with frozen(first):
                    await another_tells(world)
            await eventually(first.ready, within=30)
            await every_request_is_answered_once(world, asking.asked, within=60)
            await every_promise_is_kept(world, but="invitation", settle=0)
            versions_rise(world.systems.facts)


@contextmanager
def frozen(process: ServiceProcess) -> Iterator[None]:
    """Keep a process from doing anything during the block."""
    process.freeze()
    try:
        yield
    finally:
        process.thaw()


async def another_tells(world: World) -> None:
    """Wait until another process than now has the right to tell."""
    leases = world.databases["enrolment"]["leases"]
    (holder,) = await leases.find({"_id": "relay"}).to_list(None)

    async def taken_over() -> bool:
        return await leases.count_documents({"_id": "relay", "owner": {"$ne": holder["owner"]}}) == 1

    await eventually(taken_over, within=30)


def versions_rise(facts: list[Fact]) -> None:
    """Check that a subscriber who ignores repeats hears of the session in the order of its versions."""
    first = {fact["id"]: fact for fact in reversed(facts)}
    heard = [version for fact in facts if first[fact["id"]] is fact for version in _versions(fact["data"])]
    assert len(heard) >= REQUESTS
    assert all(earlier <= later for earlier, later in pairwise(heard)), "facts were told out of order"


def _versions(data: Fact) -> list[int]:
    places = [data, *data.get("places", ())]
    return [place["sessionVersion"] for place in places if "sessionVersion" in place]


async def test_a_process_that_stalls_changes_nothing_that_was_told(place: Place) -> None:
    """A virtual machine may sleep for half a minute, and does not know it when it wakes."""
    await stalled(place)


async def test_without_order_a_subscriber_is_misled(place: Place) -> None:
    """Switched off, the guard of the test above is missed."""
    with pytest.raises(AssertionError):
        await stalled(place, without="order")
