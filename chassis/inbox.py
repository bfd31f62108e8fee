"""The inbox: which messages have been decided, for ever; so that none is decided twice.

A record holds the idempotency key, the type, the digest of the data, the time, and the facts that answer the message,
as they travelled: no personal data, no time window. A request that waits gets its answer added when it is decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pymongo import UpdateOne

from chassis.answers import Answers
from chassis.deciding import Received
from chassis.documents import Document
from chassis.mongo import Database, Session
from chassis.store import Bulk, bulk_write

COLLECTION = "inbox"


@dataclass(frozen=True)
class Records:
    """The records of messages that are decided, and answers for those of messages that were waiting."""

    inserted: list[Document]
    answered: Mapping[str, Sequence[bytes]]


async def seen(database: Database, keys: Iterable[str], session: Session | None) -> dict[str, str]:
    """Return the digests of those keys that were decided before."""
    rows = database[COLLECTION].find({"_id": {"$in": list(keys)}}, {"digest": 1}, session=session)
    return {row["_id"]: row["digest"] for row in await rows.to_list(None)}


def records(spent: Mapping[str, Received], answers: Answers, now: datetime) -> Records:
    """Return the records of messages that are decided, with the facts that answer them."""
    inserted = [_record(key, message, answers.get(key), now) for key, message in spent.items()]
    return Records(inserted, {key: bodies for key, bodies in answers.items() if key not in spent})


def _record(key: str, message: Received, answer: Sequence[bytes] | None, now: datetime) -> Document:
    record = {"_id": key, "type": message.type, "digest": message.digest, "at": now}
    return {**record, "answer": answer} if answer else record


async def record(database: Database, records: Records, session: Session) -> None:
    """Keep these records."""
    await bulk_write(database, COLLECTION, Bulk(records.inserted), session)
    if records.answered:
        updates = [UpdateOne({"_id": key}, {"$set": {"answer": told}}) for key, told in records.answered.items()]
        await database[COLLECTION].bulk_write(updates, ordered=False, session=session)
