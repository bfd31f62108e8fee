"""Bringing what 0.2.0 stored into today's form, before anything is decided.

It kept turns by pool, pools under ids that all providers shared, and each place named its pool. Now a turn belongs to a
session, numbered so that turns of all pools can be compared, and a pool is its provider's. All of it follows from what
0.2.0 kept of sessions, so it does not matter how far an attempt came that was broken off.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

import structlog
from pymongo import ReplaceOne, UpdateOne

from chassis.documents import Document
from chassis.lease import Lease
from chassis.mongo import Database
from services.enrolment.domain.decision import microseconds
from services.enrolment.domain.edition import Edition, own_pool
from services.enrolment.domain.ids import SessionKey
from services.enrolment.domain.pools import offered
from services.enrolment.domain.seats import UNLIMITED, Pool, SessionCount, Turn
from services.enrolment.internal import PoolServing
from services.enrolment.migrations.unsettled import leave_undone
from services.enrolment.storage.kinds import EDITIONS, ENROLMENTS, POOLS, SESSIONS, WAITING

T = TypeVar("T")
log = structlog.get_logger()

OLD_INDEX = "pool_1_seq_1"
PORTION = 1000
WAIT_S = 1.0
MISSING = {"$exists": False}
OF_OLD: Mapping[str, Document] = {
    WAITING.collection: {"pool": {"$exists": True}},
    SESSIONS.collection: {"waiting": MISSING},
    POOLS.collection: {"last": MISSING},
}
"""What tells documents of 0.2.0 from today's."""


async def migrate(database: Database, now: datetime) -> None:
    """Migrate what is left in the old form; one process does it, and others wait."""
    lease = Lease(database, "migration", seconds=60.0)
    while await _is_old(database):
        if not await lease.hold():
            await asyncio.sleep(WAIT_S)
            continue
        try:
            await _migrate(database, now)
        finally:
            await lease.give_up()


async def _is_old(database: Database) -> bool:
    found = [await database[collection].find_one(old, {"_id": 1}) for collection, old in OF_OLD.items()]
    return any(found)


async def _migrate(database: Database, now: datetime) -> None:
    """Do it in an order that leaves what comes later to be done in the old form."""
    if OLD_INDEX in await database[WAITING.collection].index_information():
        await database[WAITING.collection].drop_index(OLD_INDEX)
    await _number_turns(database)
    await _give_turns_to_sessions(database)
    await _count_parties(database)
    await _count_seats(database, now)
    log.info("seats_migrated")


async def _number_turns(database: Database) -> None:
    """Say of the turns of old when they were decided, in the order that they had in their pool."""
    waiting = database[WAITING.collection]
    if not await waiting.find_one({**OF_OLD[WAITING.collection], "number": MISSING}, {"_id": 1}):
        return
    turns = await waiting.find(OF_OLD[WAITING.collection]).sort([("pool", 1), ("seq", 1)]).to_list(None)
    decided: dict[str, datetime] = {}
    for portion in _portions(turns):
        decided.update(await _decided(database, [turn["enrolmentId"] for turn in portion]))
    numbered = [UpdateOne({"_id": id}, {"$set": {"number": number}}) for id, number in _numbers(turns, decided)]
    for updates in _portions(numbered):
        await waiting.bulk_write(list(updates), ordered=False)


async def _decided(database: Database, ids: Sequence[str]) -> dict[str, datetime]:
    """Return when these enrolments were decided: their requests' time in the inbox, or when they were asked for."""
    fields = {"source": 1, "requestId": 1, "askedAt": 1}
    enrolments = await database[ENROLMENTS.collection].find({"_id": {"$in": ids}}, fields).to_list(None)
    keys = {row["_id"]: f"{row['source']} {row['requestId']}" for row in enrolments}
    inbox = await database["inbox"].find({"_id": {"$in": list(keys.values())}}, {"at": 1}).to_list(None)
    at: dict[str, datetime] = {row["_id"]: row["at"] for row in inbox}
    return {row["_id"]: at.get(keys[row["_id"]]) or row["askedAt"] for row in enrolments}


def _numbers(turns: Iterable[Document], decided: Mapping[str, datetime]) -> Iterator[tuple[str, int]]:
    last: dict[str, int] = defaultdict(int)
    used: set[tuple[str, str, int]] = set()
    for turn in turns:
        at = decided.get(turn["enrolmentId"])
        number = max(last[turn["pool"]] + 1, microseconds(at) if at else 0)
        while (session := (turn["editionId"], turn["sessionId"], number)) in used:
            number += 1
        used.add(session)
        last[turn["pool"]] = number
        yield turn["_id"], number


async def _give_turns_to_sessions(database: Database) -> None:
    """Put each numbered turn of old in its new form in its place."""
    waiting = database[WAITING.collection]
    turns = await waiting.find(OF_OLD[WAITING.collection]).to_list(None)
    for portion in _portions(turns):
        await waiting.bulk_write([_of_session(old) for old in portion])
        await waiting.delete_many({"_id": {"$in": [old["_id"] for old in portion]}})


def _of_session(old: Document) -> ReplaceOne[Document]:
    """Write a turn in its new form. What removes the old one goes apart: by turns, each would be sent singly."""
    turn = Turn((old["editionId"], old["sessionId"]), old["number"], old["enrolmentId"], old["seats"])
    return ReplaceOne({"_id": turn.id}, {"revision": old["revision"], **WAITING.write(turn)}, upsert=True)


async def _count_parties(database: Database) -> None:
    """Count how many parties wait for each session, beside the places that they wait for."""
    old, parties = OF_OLD[SESSIONS.collection], await _by_session(database)
    counted = [UpdateOne({"_id": id, **old}, {"$set": {"waiting": count}}) for id, (count, _) in parties.items()]
    for updates in _portions(counted):
        await database[SESSIONS.collection].bulk_write(list(updates), ordered=False)
    await database[SESSIONS.collection].update_many(old, {"$set": {"waiting": 0}})


async def _by_session(database: Database) -> dict[str, tuple[int, int]]:
    """Return by session how many turns there are, and the number of the last."""
    found: dict[str, tuple[int, int]] = {}
    async for turn in database[WAITING.collection].find({}, {"session": 1, "number": 1}):
        count, last = found.get(turn["session"], (0, 0))
        found[turn["session"]] = (count + 1, max(last, turn["number"]))
    return found


async def _count_seats(database: Database, now: datetime) -> None:
    """Make the pools anew from the editions and from the counts of their sessions."""
    pools = database[POOLS.collection]
    rows = await database[EDITIONS.collection].find().to_list(None)
    editions = {row["editionId"]: EDITIONS.read(row) for row in rows}
    counts = {row["_id"]: SESSIONS.read(row) for row in await database[SESSIONS.collection].find().to_list(None)}
    lasts = {session: last for session, (_, last) in (await _by_session(database)).items()}
    before = {row["_id"]: row for row in await pools.find().to_list(None)}
    counted = [_pool(id, sessions, counts, lasts) for id, sessions in _sessions(editions, counts).items()]
    counted = [pool.offer(offered(pool, editions.get)) for pool in counted]
    for pool in counted:
        await _leave_to_portions(database, pool, before.get(_id_of_old(pool, editions)), now)
    for portion in _portions(counted):
        await pools.bulk_write([_replacement(pool, before.get(pool.id)) for pool in portion], ordered=False)
    await pools.delete_many(OF_OLD[POOLS.collection])


def _sessions(editions: Mapping[str, Edition], counts: Mapping[str, SessionCount]) -> dict[str, list[SessionKey]]:
    """Return the sessions of each pool: those that the catalogue names, and whatever else has been counted."""
    sessions: dict[str, list[SessionKey]] = defaultdict(list)
    for key in dict.fromkeys((*_published(editions), *((one.edition_id, one.session_id) for one in counts.values()))):
        edition = editions.get(key[0])
        sessions[edition.pool_of(key[1]) if edition else own_pool(*key)].append(key)
    return sessions


def _published(editions: Mapping[str, Edition]) -> Iterator[SessionKey]:
    return (session.key for edition in editions.values() for session in edition.sessions.values())


def _pool(
    id: str, sessions: Sequence[SessionKey], counts: Mapping[str, SessionCount], lasts: Mapping[str, int]
) -> Pool:
    ids = ["/".join(key) for key in sessions]
    found = [counts[id] for id in ids if id in counts]
    taken, waiting = sum(count.confirmed for count in found), sum(count.waiting for count in found)
    return Pool(id, None, None, taken, max((lasts.get(id, 0) for id in ids), default=0), waiting, tuple(sessions))


async def _leave_to_portions(database: Database, pool: Pool, old: Document | None, now: datetime) -> None:
    """Have seats that turned out to be free given to who waits, and told of where they, or their lack, are news."""
    free = pool.free if old is None else _free(old)
    if (pool.free > 0) != (free > 0) or (pool.free and pool.waiting):
        await leave_undone(database, PoolServing(pool=pool.id, free=free), pool.id, now)


def _replacement(pool: Pool, old: Document | None) -> ReplaceOne[Document]:
    revision = old["revision"] if old else 0
    return ReplaceOne({"_id": pool.id}, {"revision": revision + 1, **POOLS.write(pool)}, upsert=True)


def _id_of_old(pool: Pool, editions: Mapping[str, Edition]) -> str:
    """Return the id that a pool had when providers shared one name space."""
    edition_id, session_id = pool.sessions[0]
    edition = editions.get(edition_id)
    published = edition.published.sessions if edition else ()
    return next((one.pool for one in published if one.session_id == session_id and one.pool), pool.id)


def _free(old: Document) -> int:
    return UNLIMITED if old["limit"] is None else int(old["limit"] - old["taken"])


def _portions(whole: Sequence[T]) -> Iterator[Sequence[T]]:
    return (whole[start : start + PORTION] for start in range(0, len(whole), PORTION))
