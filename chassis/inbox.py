"""The inbox: which messages have been decided, for ever; so that none is decided twice.

A record holds the idempotency key, the type, the digest of the data, the time, and the facts that answer the message,
as they travelled: no personal data, no time window. A request that waits gets its answer added when it is decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pymongo import UpdateOne

from chassis.deciding import Received
from chassis.documents import Document
from chassis.mongo import Database, Transaction
from chassis.replies import Replies
from chassis.store import Bulk, bulk_write

COLLECTION = "inbox"


@dataclass(frozen=True)
class Records:
    """The records of messages that are decided, and replies for those of messages that were waiting."""

    inserted: list[Document]
    late: Replies


async def seen(database: Database, keys: Iterable[str], transaction: Transaction | None) -> dict[str, str]:
    """Return the digests of those keys that were decided before."""
    rows = database[COLLECTION].find({"_id": {"$in": list(keys)}}, {"digest": 1}, session=transaction)
    return {row["_id"]: row["digest"] for row in await rows.to_list(None)}


def records(spent: Mapping[str, Received], replies: Replies, now: datetime) -> Records:
    """Return the records of messages that are decided, with the facts that answer them."""
    inserted = [_record(key, message, replies.get(key), now) for key, message in spent.items()]
    return Records(inserted, {key: bodies for key, bodies in replies.items() if key not in spent})


def _record(key: str, message: Received, replies: Sequence[bytes] | None, now: datetime) -> Document:
    record = {"_id": key, "type": message.type, "digest": message.digest, "at": now}
    return {**record, "answer": replies} if replies else record


async def record(database: Database, records: Records, transaction: Transaction) -> None:
    """Keep these records."""
    await bulk_write(database, COLLECTION, Bulk(records.inserted), transaction)
    if records.late:
        updates = [UpdateOne({"_id": key}, {"$set": {"answer": replies}}) for key, replies in records.late.items()]
        await database[COLLECTION].bulk_write(updates, ordered=False, session=transaction)
