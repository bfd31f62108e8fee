"""What earlier releases left, at every start: enrolments that name no session, places in what was cancelled, silence.

The first are completed at once; the places end in portions, like those in what is cancelled today. Of a seat that was
given up after the session's start, or while that was cancelled, 0.2.0 did not tell notification, which would mail who
had it with the session's next change: it is told of all that 0.2.0 took back, in portions too (`untold.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chassis.chance import new_id
from chassis.documents import Document
from chassis.due import DUE, Due, need
from chassis.mongo import Database
from instroom_contracts.cloudevent import EventData, type_of
from services.enrolment.internal import AsideTried, EditionSettling, PlacesUntold, WaitEnded
from services.enrolment.storage.kinds import EDITIONS, ENROLMENTS, HELD_IN, PARKED, SESSIONS, UNTOLD
from services.enrolment.storage.parking import ASIDE

_HELD: Mapping[str, Any] = {
    "$map": {
        "input": {"$filter": {"input": "$places", "cond": {"$ne": ["$$this.state", "released"]}}},
        "in": {"$concat": ["$editionId", "/", "$$this.sessionId"]},
    }
}
_GAVE_UP_A_SEAT = {"$gt": [{"$max": "$places.sequence"}, 0]}
"""Selects enrolments that 0.2.0 ended: it took all their places back at once, and raised the `sequence` of seats."""


async def take_over(database: Database, now: datetime) -> None:
    """Bring what an earlier release kept to the form and the state of today, as often as you like."""
    held = {"$set": {HELD_IN: {"$cond": [_GAVE_UP_A_SEAT, [UNTOLD], _HELD]}}}
    await database[ENROLMENTS.collection].update_many({HELD_IN: {"$exists": False}}, [held])
    if await database[ENROLMENTS.collection].find_one({HELD_IN: UNTOLD}, {"_id": 1}):
        await leave_undone(database, PlacesUntold(), UNTOLD, now)
    await _have_waits_end(database, now)
    for edition_id, session_ids in (await _still_held(database)).items():
        if off := await _called_off(database, edition_id, session_ids):
            rest = EditionSettling(edition_id=edition_id, session_ids=tuple(sorted(off)))
            await leave_undone(database, rest, edition_id, now)


async def _have_waits_end(database: Database, now: datetime) -> None:
    """Have it looked after requests that wait for their edition, as an earlier release left them without a schedule."""
    for edition_id in await database[PARKED.collection].distinct("editionId"):
        if edition_id != ASIDE:
            await leave_undone(database, WaitEnded(edition_id=edition_id), edition_id, now)
    async for parked in database[PARKED.collection].find({"editionId": ASIDE}, {"_id": 1}):
        await leave_undone(database, AsideTried(request=parked["_id"]), parked["_id"], now)


async def _still_held(database: Database) -> dict[str, set[str]]:
    """Return the sessions in which anybody has a place or a turn, by edition."""
    held: dict[str, set[str]] = defaultdict(set)
    anybody = {"$or": [{"confirmed": {"$gt": 0}}, {"queued": {"$gt": 0}}]}
    async for count in database[SESSIONS.collection].find(anybody, {"editionId": 1, "sessionId": 1}):
        held[count["editionId"]].add(count["sessionId"])
    return held


async def _called_off(database: Database, edition_id: str, session_ids: set[str]) -> set[str]:
    fields = {"state": 1, "sessions.sessionId": 1, "sessions.state": 1}
    edition = await database[EDITIONS.collection].find_one({"_id": edition_id}, fields)
    if edition is None or edition["state"] == "cancelled":
        return session_ids if edition else set()
    return session_ids - {one["sessionId"] for one in edition["sessions"] if one["state"] != "cancelled"}


async def leave_undone(database: Database, rest: EventData, about: str, now: datetime) -> None:
    """Leave some work to portions, unless it is under way."""
    left = Due(new_id(), type_of(type(rest)), about, rest.model_dump(), now, now, None)
    written: Document = {**DUE.write(left), "revision": 1}
    key = need(type(rest), about).id
    await database[DUE.collection].update_one({"_id": key}, {"$setOnInsert": written}, upsert=True)
