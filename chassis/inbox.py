"""The inbox: which messages have been decided, for ever; so that none is decided twice.

A record holds the idempotency key, the type, the digest of the data and the time: no personal data, no time window.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from chassis.deciding import Received
from chassis.mongo import Database, Session
from chassis.store import Bulk, bulk_write

COLLECTION = "inbox"


async def seen(database: Database, keys: Iterable[str], session: Session | None) -> dict[str, str]:
    """Return the digests of those keys that were decided before."""
    rows = database[COLLECTION].find({"_id": {"$in": list(keys)}}, {"digest": 1}, session=session)
    return {row["_id"]: row["digest"] for row in await rows.to_list(None)}


def records(spent: Mapping[str, Received], now: datetime) -> Bulk:
    """Return the records of messages that are decided."""
    return Bulk(
        [{"_id": key, "type": message.type, "digest": message.digest, "at": now} for key, message in spent.items()]
    )


async def record(database: Database, records: Bulk, session: Session) -> None:
    """Keep these records."""
    await bulk_write(database, COLLECTION, records, session)
