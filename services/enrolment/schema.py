"""Collections, indexes, and the guard of the database itself: no pool holds more places than its limit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from chassis.documents import Kind, Lookup
from chassis.due import DUE
from chassis.kept import make_findable
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

LOOKUPS: tuple[Lookup[Any], ...] = (
    storage.WAITING_BY_SESSION,
    storage.PARKED_BY_EDITION,
    storage.ENROLMENTS_BY_SESSION,
)


async def prepare(database: Database, now: datetime) -> None:
    """Make the indexes and guards of the collections, as often as you like."""
    await _guard(database, storage.POOLS.collection, POOL_GUARD)
    await _guard(database, storage.SESSIONS.collection, SESSION_GUARD)
    await migrate(database, now)
    await make_findable(database, LOOKUPS)
    await database[storage.EDITIONS.collection].create_index("state")
    await database[DUE.collection].create_index("at")
    await unsettled.take_over(database, now)


async def _guard(database: Database, collection: str, guard: dict[str, Any]) -> None:
    """Set a collection's validator, unless it is set: that waits for every transaction at work on the collection."""
    found = await database.command("listCollections", filter={"name": collection})
    if found["cursor"]["firstBatch"][0]["options"].get("validator") != guard:
        await database.command("collMod", collection, validator=guard)
