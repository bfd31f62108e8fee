"""What 0.2.0 stored (`stored_by_0.2.0.json` is from its own code), brought into today's form on a real database.

In it two providers have a `zaal` of two seats, which was one room: Anna and Bob of the first sit in it, and Cas, Dee,
Eva and Fay, who brings somebody, wait in this order; Cas and Fay are of the second. The session `les` of one seat has
moved: Gus has a seat and Han waits at the old place, Ida and Jan at the new one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bson.json_util import loads

from chassis.deciding import Received
from chassis.documents import Document
from chassis.due import DUE
from instroom_contracts.cloudevent import new_event, type_of
from services.enrolment.app import PORTIONS, prepare
from services.enrolment.domain.ids import enrolment_id
from services.enrolment.migrations import pools as migration
from services.enrolment.storage.kinds import ENROLMENTS, POOLS, SESSIONS, WAITING
from tests.integration.enrolment.ground import SOURCE, Ground, received
from tests.unit.enrolment.examples import WEBSITE, cancellation, request

STORED = Path(__file__).with_name("stored_by_0.2.0.json")
ONE, TWO = "aanbieder-een", "aanbieder-twee"
STEPS = ("_number_turns", "_give_turns_to_sessions", "_count_parties", "_count_seats")


def of(name: str) -> str:
    """Return the id of somebody's enrolment."""
    return enrolment_id(WEBSITE, f"request-of-{name}")


def names(ids: list[str]) -> list[str]:
    """Return whose enrolments these are."""
    known = {of(name): name for name in ("anna", "bob", "cas", "dee", "eva", "fay", "gus", "han", "ida", "jan")}
    return [known[id] for id in ids]


@pytest.fixture
async def old(ground: Ground) -> Ground:
    """Provide a database as 0.2.0 left it."""
    await ground.database["waiting_list"].drop_index("session_1_number_1")
    await ground.database["waiting_list"].create_index([("pool", 1), ("seq", 1)], unique=True)
    for collection in ("pools", "sessions"):
        await ground.database.command("collMod", collection, validator={})
    for collection, rows in loads(STORED.read_text()).items():
        await ground.database[collection].insert_many(rows)
    return ground


async def waiting(ground: Ground) -> list[str]:
    """Return who waits, in the order of decision."""
    turns = (await ground.all(WAITING)).values()
    return names([turn.enrolment_id for turn in sorted(turns, key=lambda turn: turn.order)])


async def go_on(ground: Ground) -> None:
    """Do what a start does with what the migration left to portions."""
    heard = {type_of(portion.model): portion for portion in PORTIONS}
    left = [DUE.read(row) for row in await ground.rows("due")]
    for one in left:
        portion = heard[one.type]
        event = new_event(portion.model.model_validate(one.data), source=SOURCE, id=one.event)
        await ground.committer().commit([Received(portion, "", b"", None, {}, event, "")])


async def test_each_provider_has_a_room_of_its_own(old: Ground) -> None:
    """Seats of one are no longer taken by the other's people, and those who wait wait for their own."""
    await prepare(old.database, datetime.now(UTC))
    pools = await old.all(POOLS)
    hall, other = pools[f"{ONE}:zaal"], pools[f"{TWO}:zaal"]
    assert (hall.capacity, hall.limit, hall.taken, hall.waiting) == (2, 2, 2, 2)
    assert (other.capacity, other.limit, other.taken, other.waiting) == (2, 2, 0, 2)
    assert set(hall.sessions) == {("noord", "hal"), ("midden", "hal")}
    assert pools.keys() == {f"{ONE}:zaal", f"{TWO}:zaal", f"{ONE}:lokaal", "noord/plenair"}


async def test_a_session_that_had_moved_has_its_seats_and_its_list_back(old: Ground) -> None:
    """Who got a seat too many keeps it, nothing is given until it fits, and who waited longest comes first."""
    await prepare(old.database, datetime.now(UTC))
    room = (await old.all(POOLS))[f"{ONE}:lokaal"]
    assert (room.capacity, room.limit, room.taken, room.waiting) == (1, 2, 2, 2)
    assert [name for name in await waiting(old) if name in {"han", "jan"}] == ["han", "jan"]
    await old.committer().commit(received([cancellation(of("gus")), cancellation(of("ida"))]))
    assert (await old.all(ENROLMENTS))[of("han")].state == "confirmed"
    assert (await old.all(ENROLMENTS))[of("jan")].state == "queued"


async def test_turns_keep_their_order_and_can_be_compared_with_those_to_come(old: Ground) -> None:
    """What 0.2.0 numbered by pool from 1 must not overtake, nor be overtaken by, whoever comes to share the seats."""
    before = await waiting_of_old(old)
    await prepare(old.database, datetime.now(UTC))
    assert await waiting(old) == before
    counts = await old.all(SESSIONS)
    assert {id: count.waiting for id, count in counts.items()} == {
        "noord/hal": 1,
        "midden/hal": 1,
        "zuid/hal": 2,
        "noord/plenair": 1,
        "verhuisd/les": 2,
    }
    await old.committer().commit(received([request(name="nieuw", edition_id="midden")]))
    newest = max((await old.all(WAITING)).values(), key=lambda turn: turn.order)
    assert newest.enrolment_id not in {of(name) for name in before}


async def waiting_of_old(old: Ground) -> list[str]:
    """Return who waits in the order of decision, which the requests were made in."""
    ids = {row["enrolmentId"] for row in await old.rows("waiting_list")}
    turns = [row["enrolmentId"] for row in await old.rows("waiting_list")]
    order = ["cas", "dee", "eva", "fay", "han", "jan"]
    assert ids == {of(name) for name in order}
    return [name for name in order for _ in range(turns.count(of(name)))]


async def test_seats_that_were_found_go_to_who_waits_and_are_told(old: Ground) -> None:
    """A room that turns out to be free must not wait for the next request to be given."""
    await prepare(old.database, datetime.now(UTC))
    await go_on(old)
    assert (await old.all(ENROLMENTS))[of("cas")].state == "confirmed"
    told = await old.told()
    assert told.count("nl.enrolments.place-confirmed.v1") == 1
    assert told.count("nl.enrolments.session-reopened.v1") == 1, "one seat is left: Fay needs two"
    assert not await old.rows("due")


async def test_a_migration_is_done_once(old: Ground) -> None:
    """Every start looks, and finds nothing to do."""
    await prepare(old.database, datetime.now(UTC))
    kept = await everything(old)
    await prepare(old.database, datetime.now(UTC))
    assert await everything(old) == kept


async def everything(ground: Ground) -> dict[str, list[Document]]:
    """Return the documents that are migrated."""
    return {collection: await ground.rows(collection) for collection in ("pools", "sessions", "waiting_list")}


@pytest.mark.parametrize("step", STEPS)
async def test_a_migration_that_broke_off_is_taken_up(old: Ground, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container may be killed in the middle of its first start."""
    real: Callable[..., Awaitable[None]] = getattr(migration, step)

    async def killed(*given: Any) -> None:
        await real(*given)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(migration, step, killed)
        with pytest.raises(KeyboardInterrupt):
            await migration.migrate(old.database, datetime.now(UTC))
    await prepare(old.database, datetime.now(UTC))
    assert (await old.all(POOLS))[f"{ONE}:lokaal"].taken == 2
    assert len(await old.all(WAITING)) == 7
    assert not await migration._is_old(old.database)


async def test_nobody_writes_in_the_old_form_any_more(old: Ground) -> None:
    """A process of 0.2.0 that still runs must not count what is there no longer: the database refuses it."""
    await prepare(old.database, datetime.now(UTC))
    count = {"editionId": "noord", "sessionId": "hal", "version": 9, "confirmed": 0, "queued": 0}
    with pytest.raises(Exception, match="Document failed validation"):
        await old.database["sessions"].replace_one({"_id": "noord/hal"}, count)


async def test_without_the_moments_of_decision_turns_of_two_pools_are_mixed_up(
    old: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twin: numbered as they were, each pool from 1, somebody who came last would be served first."""

    async def forgotten(*_: object) -> dict[str, datetime]:
        return {}

    monkeypatch.setattr(migration, "_decided", forgotten)
    before = await waiting_of_old(old)
    await prepare(old.database, datetime.now(UTC))
    assert await waiting(old) != before
