"""Collections, indexes, and the guard of the database itself: no pool holds more places than its limit."""

from __future__ import annotations

from typing import Any

from chassis.documents import Kind, Lookup
from chassis.due import DUE
from chassis.kept import make_findable
from chassis.mongo import Database
from services.enrolment.storage.kinds import (
    EDITIONS,
    ENROLMENTS,
    ENROLMENTS_BY_SESSION,
    PARKED,
    PARKED_BY_EDITION,
    PARKINGS,
    PARTICIPANTS,
    POOLS,
    SESSIONS,
    WAITING,
    WAITING_BY_SESSION,
)

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
    EDITIONS,
    POOLS,
    SESSIONS,
    ENROLMENTS,
    PARTICIPANTS,
    WAITING,
    PARKED,
    PARKINGS,
)

LOOKUPS: tuple[Lookup[Any], ...] = (
    WAITING_BY_SESSION,
    PARKED_BY_EDITION,
    ENROLMENTS_BY_SESSION,
)


async def guard(database: Database) -> None:
    """Set the guards of the collections, as often as you like."""
    await _guard(database, POOLS.collection, POOL_GUARD)
    await _guard(database, SESSIONS.collection, SESSION_GUARD)


async def make_indexes(database: Database) -> None:
    """Make the indexes of the collections, as often as you like."""
    await make_findable(database, LOOKUPS)
    await database[EDITIONS.collection].create_index("state")
    await database[DUE.collection].create_index("at")


async def _guard(database: Database, collection: str, guard: dict[str, Any]) -> None:
    """Set a collection's validator, unless it is set: that waits for every transaction at work on the collection."""
    found = await database.command("listCollections", filter={"name": collection})
    if found["cursor"]["firstBatch"][0]["options"].get("validator") != guard:
        await database.command("collMod", collection, validator=guard)
