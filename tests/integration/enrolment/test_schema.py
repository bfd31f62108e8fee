"""The database's own guards: the last line, should everything above it fail."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime

import pytest
from pymongo.errors import BulkWriteError, WriteError

from instroom_contracts.cloudevent import new_event
from services.enrolment.app import prepare
from services.enrolment.domain.seats import Pool, Turn
from services.enrolment.storage import schema
from services.enrolment.storage.kinds import ENROLMENTS, POOLS, WAITING
from tests.integration.enrolment.ground import Ground, received
from tests.support.sabotage import isolation
from tests.unit.enrolment.examples import CATALOG, edition, request, session

PARTIES = 30
OVERFULL = [Pool("hall", 2, 2, taken=3), Pool("hall", 2, 2, taken=-1), Pool("hall", -1, None)]
SOUND = [Pool("hall", 2, 2, taken=2), Pool("hall", 2, 3, taken=3), Pool("hall", None, None, taken=9)]


def row(pool: Pool) -> dict[str, object]:
    """Return a pool as it is kept."""
    return {"_id": pool.id, "revision": 1, **POOLS.write(pool)}


@pytest.mark.parametrize("pool", OVERFULL)
async def test_the_database_refuses_a_pool_with_more_places_than_its_limit(ground: Ground, pool: Pool) -> None:
    """No pool is overbooked, whatever the code above does."""
    with pytest.raises(WriteError):
        await ground.database["pools"].insert_one(row(pool))


@pytest.mark.parametrize(
    "pool", [Pool("hall", 2, 2, taken=2), Pool("hall", 2, 3, taken=3), Pool("hall", None, None, 9)]
)
async def test_it_takes_a_pool_within_its_limit(ground: Ground, pool: Pool) -> None:
    """Also one that holds more than is offered now, since nobody loses a seat; and one without a limit."""
    await ground.database["pools"].insert_one(row(pool))
    assert await ground.all(POOLS) == {"hall": pool}


async def test_a_seat_too_many_cannot_be_written_over_a_full_pool(ground: Ground) -> None:
    """The guard watches changes too."""
    await ground.database["pools"].insert_one(row(Pool("hall", 2, 2, taken=2)))
    with pytest.raises(WriteError):
        await ground.database["pools"].update_one({"_id": "hall"}, {"$inc": {"taken": 1}})


async def test_without_the_guard_it_can(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """Switched off, the guard of the tests above is missed."""
    monkeypatch.setattr(schema, "POOL_GUARD", {})
    await prepare(ground.database, datetime.now(UTC))
    await ground.database["pools"].insert_one(row(Pool("hall", 2, 2, taken=3)))


async def test_a_turn_is_given_once(ground: Ground) -> None:
    """Two parties with one number would make the order of a waiting list a matter of chance."""
    turns = [Turn(("noord", "atelier"), 1, f"enrolment-{number}", 1) for number in range(2)]
    rows = [{"_id": turn.enrolment_id, "revision": 1, **WAITING.write(turn)} for turn in turns]
    with pytest.raises(BulkWriteError):
        await ground.database["waiting_list"].insert_many(rows)


async def test_a_service_starts_although_a_transaction_is_left_open(ground: Ground) -> None:
    """A killed process leaves its last one behind; setting a validator would wait for its end."""
    await ground.database["pools"].insert_one(row(Pool("hall", 2, 2)))
    async with ground.mongo.transaction() as session:
        await ground.database["pools"].update_one({"_id": "hall"}, {"$set": {"taken": 1}}, session=session)
        async with asyncio.timeout(2):
            await prepare(ground.database, datetime.now(UTC))


async def race(ground: Ground) -> None:
    """Let two processes decide at the same moment who gets the last seat, again and again."""
    processes = [ground.committer() for _ in range(2)]
    await processes[0].commit(received([new_event(edition(session(capacity=1)), source=CATALOG, id="edition-1")]))
    parties = received([request(name=f"deelnemer-{number}") for number in range(PARTIES)])
    for pair in zip(parties[::2], parties[1::2], strict=True):
        await asyncio.gather(*(process.commit([party]) for process, party in zip(processes, pair, strict=True)))
    await one_sits_and_the_rest_wait_in_order(ground)


async def one_sits_and_the_rest_wait_in_order(ground: Ground) -> None:
    """Check the places, the pool and the numbers on the waiting list."""
    places = [one.places[0] for one in (await ground.all(ENROLMENTS)).values()]
    assert Counter(place.state for place in places) == {"confirmed": 1, "queued": PARTIES - 1}
    turns = sorted((await ground.all(WAITING)).values(), key=lambda turn: turn.order)
    assert [turn.number for turn in turns] == sorted({turn.number for turn in turns})
    (pool,) = (await ground.all(POOLS)).values()
    assert (pool.taken, pool.waiting, pool.last) == (1, PARTIES - 1, turns[-1].number)


async def test_two_processes_give_the_last_seat_once(ground: Ground) -> None:
    """Whoever comes second decides again, on what the first has written."""
    await race(ground)


async def test_without_isolation_it_is_given_twice(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """Switched off, the guard of the test above is missed."""
    monkeypatch.setattr("tests.support.sabotage.switch", monkeypatch.setattr)
    isolation()
    with pytest.raises(AssertionError):
        await race(ground)
