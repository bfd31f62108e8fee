"""Collections, indexes, and the guard of the database itself: no pool holds more places than its limit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pymongo import ASCENDING, IndexModel

from chassis.documents import Kind
from chassis.mongo import Database
from services.enrolment import storage, unsettled
from services.enrolment.migration import migrate

WHOLE = {"bsonType": ["int", "long"], "minimum": 0}
WHOLE_OR_NONE = {"bsonType": ["int", "long", "null"], "minimum": 0}

POOL_GUARD: dict[str, Any] = {
    "$and": [
        {
            "$jsonSchema": {
                "required": ["capacity", "limit", "taken", "last", "waiting", "sessions"],
                "properties": {
                    "capacity": WHOLE_OR_NONE,
                    "limit": WHOLE_OR_NONE,
                    "taken": WHOLE,
                    "last": WHOLE,
                    "waiting": WHOLE,
                    "sessions": {"bsonType": "array"},
                },
            }
        },
        {"$expr": {"$or": [{"$eq": ["$limit", None]}, {"$lte": ["$taken", "$limit"]}]}},
    ]
}

SESSION_GUARD: dict[str, Any] = {
    "$jsonSchema": {
        "required": ["version", "confirmed", "queued", "waiting"],
        "properties": dict.fromkeys(("version", "confirmed", "queued", "waiting"), WHOLE),
    }
}
"""Also keeps out whoever still writes in an older form, and would count what is there no longer."""

KEPT: tuple[Kind[Any], ...] = (
    storage.EDITIONS,
    storage.POOLS,
    storage.SESSIONS,
    storage.ENROLMENTS,
    storage.PARTICIPANTS,
    storage.WAITING,
    storage.PARKED,
    storage.PARKINGS,
)

INDEXES: dict[str, list[IndexModel]] = {
    "editions": [IndexModel([("state", ASCENDING)])],
    "enrolments": [IndexModel([(storage.HELD_IN, ASCENDING), ("_id", ASCENDING)])],
    "waiting_list": [IndexModel([("session", ASCENDING), ("number", ASCENDING)], unique=True)],
    "parked": [IndexModel([("editionId", ASCENDING), ("number", ASCENDING)])],
    "due": [IndexModel([("at", ASCENDING)])],
}


async def prepare(database: Database, now: datetime) -> None:
    """Make the indexes and guards of the collections, as often as you like."""
    await _guard(database, storage.POOLS.collection, POOL_GUARD)
    await _guard(database, storage.SESSIONS.collection, SESSION_GUARD)
    await migrate(database, now)
    for collection, indexes in INDEXES.items():
        await database[collection].create_indexes(indexes)
    await unsettled.take_over(database, now)


async def _guard(database: Database, collection: str, guard: dict[str, Any]) -> None:
    """Set a collection's validator, unless it is set: that waits for every transaction at work on the collection."""
    found = await database.command("listCollections", filter={"name": collection})
    if found["cursor"]["firstBatch"][0]["options"].get("validator") != guard:
        await database.command("collMod", collection, validator=guard)
