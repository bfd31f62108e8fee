"""The quarantine: messages that are no valid events, stored with the reason until an operator mends or drops them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from itertools import islice

from pymongo import UpdateOne

from chassis.deciding import Held
from chassis.documents import Document
from chassis.mongo import Database, Transaction

COLLECTION = "quarantine"
STORED_BYTES = 64 * 1024
HEAD_BYTES = 4 * 1024
MOST_HEADER = 1024
MOST_HEADERS = 100
"""So many headers are kept, the first; each takes more room here than in a message, which holds some 20,000."""


async def prepare(database: Database) -> None:
    """Create the index that counts what is held: whole messages are stored, and kept once they are dealt with."""
    await database[COLLECTION].create_index([("state", 1), ("reason", 1)])
    await database[COLLECTION].update_many(_BY_NAME, [{"$set": {"headers": _AS_LIST}}])


_BY_NAME = {"$expr": {"$eq": [{"$type": "$headers"}, "object"]}}
_AS_LIST = {
    "$map": {
        "input": {"$objectToArray": "$headers"},
        "as": "header",
        "in": {"name": "$$header.k", "value": "$$header.v"},
    }
}
"""Headers in the form of now, where 0.2.0 stored them by name: that may be anything, and `$ref` names no field."""


async def hold(database: Database, held: Sequence[Held], now: datetime, transaction: Transaction) -> None:
    """Store these messages, in this transaction; the same bytes from the same queue are stored once.

    What an operator had dealt with and comes again is held again: whoever sends it has not noticed.
    """
    if held:
        await database[COLLECTION].bulk_write([_write(one, now) for one in held], session=transaction)


def _write(held: Held, now: datetime) -> UpdateOne:
    body = held.message.body
    digest = hashlib.sha256(body).hexdigest()
    came_by = held.message.queue or held.message.type  # what falls due comes by no queue, and bodies may be alike
    id = hashlib.sha256(f"{came_by} {held.reason} {digest}".encode()).hexdigest()[:16]
    first = {**_document(held), "sha256": digest, "at": now}
    update = {"$setOnInsert": first, "$set": {"state": "held", "lastAt": now}, "$inc": {"times": 1}}
    return UpdateOne({"_id": id}, update, upsert=True)


def _plain(value: object) -> str:
    """Return a header's name or value as text that MongoDB keeps, whatever AMQP type it had."""
    text = value.decode(errors="replace") if isinstance(value, (bytes, bytearray)) else str(value)
    return text.replace("\0", "")[:MOST_HEADER]


def _document(held: Held) -> Document:
    message = held.message
    whole = held.kept and len(message.body) <= STORED_BYTES
    head = message.body[:HEAD_BYTES] if held.kept else b""
    headers = islice(message.headers.items(), MOST_HEADERS if held.kept else 0)
    return {
        "reason": held.reason,
        "problems": [{"pointer": problem.pointer, "detail": problem.detail} for problem in held.problems],
        "queue": message.queue,
        "type": message.event.type,
        "source": message.event.source,
        "eventId": message.event.id,
        "account": message.account,
        "contentType": message.content_type,
        "headers": [{"name": _plain(name), "value": _plain(value)} for name, value in headers],
        "body": message.body if whole else head,
        "length": len(message.body),
        "whole": whole,
    }
