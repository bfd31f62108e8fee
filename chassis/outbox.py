"""The outbox: what one commit tells, written with it, published after it.

One outbox document holds the events of one commit for one exchange, ready to send, under a position that rises with the
commits; it is deleted once the broker has confirmed all of them. Where a crash comes between confirm and deletion the
same bytes are told again under the same ids (docs/decisions/0003-outbox.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from pydantic_core import from_json
from pymongo import ReturnDocument
from pymongo.write_concern import WriteConcern

from chassis.chance import new_id
from chassis.deciding import Told, goes_back_to
from chassis.documents import Document
from chassis.frames import table
from chassis.handling import Tell, Tells, ToldBefore
from chassis.mongo import Database, Transaction
from chassis.replies import Replies
from instroom_contracts.cloudevent import (
    JSON,
    EventData,
    body_of,
    headers_of,
    schema_id,
    time_text,
    type_of,
)
from instroom_contracts.origin import Origin
from instroom_contracts.topology import EVENTS

COLLECTION = "outbox"
EXCHANGE_OF = "events.exchange"
"""Which exchange a document's events go to; in one that 0.2.0 wrote, events of one commit for several."""
NAMESPACE = UUID("5c2f9d52-6a0f-4c8e-8d3a-7f0b1c9e4a61")
EVENTS_PER_DOCUMENT = 500
BYTES_PER_DOCUMENT = 3 * 1024 * 1024
_ASKS_NOTHING = frozenset({EVENTS, ""})
"""Where facts come from, and no exchange at all: what a service tells itself."""
AT_ONCE = WriteConcern(1)
"""Enough for a position: it stands in the oplog before the commit that uses it, which a majority confirms."""


@dataclass(frozen=True)
class Teller:
    """Who tells: the `source` of a service's facts, the exchange of each event that it tells, and which are replies."""

    source: str
    exchanges: dict[type[EventData], str]
    replies: frozenset[type[EventData]] = frozenset()

    @classmethod
    def of(cls, source: str, tells: Sequence[Tells]) -> Teller:
        """Return the teller for a service's table of what it tells."""
        replies = frozenset(told.model for told in tells if told.is_reply)
        return cls(source, {told.model: told.exchange for told in tells}, replies)

    def envelope(self, told: Told, now: datetime) -> Document:
        """Return an event as it will travel; the same cause and number give the same id, whenever it is decided."""
        if isinstance(told.tell.data, ToldBefore):
            return _again(told.tell.data.body)
        event = told.by.event
        id = uuid5(NAMESPACE, f"{self.source} {event.source} {event.id} {told.number}")
        return self._document(told.tell, str(id), _origin(told), now, causationid=event.id)

    def replies_among(self, told: Sequence[Told], events: Sequence[Document]) -> Replies:
        """Return the replies among what is told (`events` are the same, as they will travel), by whom they answer.

        What comes of a fact, or of what a service tells itself, answers nobody unless it says so: a session that is
        cancelled releases thousands of places.
        """
        replies: dict[str, list[bytes]] = {}
        for one, event in zip(told, events, strict=True):
            if type(one.tell.data) in self.replies and (
                one.by.hears.exchange not in _ASKS_NOTHING or one.tell.in_reply_to
            ):
                origin = _origin(one)
                replies.setdefault(f"{origin.source} {origin.id}", []).append(event["body"])
        return replies

    async def tell_in(self, database: Database, tells: Sequence[Tell], now: datetime, transaction: Transaction) -> None:
        """Tell what no message at hand caused, in this transaction; each says what it is `in_reply_to`."""
        events = [self._document(tell, new_id(), tell.in_reply_to, now) for tell in tells]
        await append(database, events, transaction)

    def _document(
        self, tell: Tell, id: str, origin: Origin | None, now: datetime, *, causationid: str | None = None
    ) -> Document:
        """Make an event as `new_event` and `encode` do, and trust what they would check: it is all ours."""
        model = type(tell.data)
        attributes = {
            "specversion": "1.0",
            "id": id,
            "source": self.source,
            "type": type_of(model),
            "subject": tell.subject,
            "time": time_text(now),
            "datacontenttype": JSON,
            "dataschema": schema_id(model),
            "partitionkey": tell.partitionkey or getattr(tell.data, "edition_id", None),
            "provider": tell.provider,
            "ownersource": tell.owner,
            "correlationid": origin.id if origin else None,
            "correlationsource": origin.source if origin else None,
            "causationid": causationid,
            "traceparent": origin.traceparent if origin else None,
        }
        present = {name: value for name, value in attributes.items() if value is not None}
        exchange = self.exchanges[model]
        trace = {"traceparent": origin.traceparent} if origin and origin.traceparent else {}  # for the relay's span
        return {
            **trace,
            "exchange": exchange,
            "type": present["type"],
            "id": id,
            "body": body_of(present, tell.data),
            "headers": table(headers_of(present)) if exchange == EVENTS else None,  # facts say their attributes again
            "correlationId": origin.id if origin else None,
            "at": now,
        }


def _origin(told: Told) -> Origin:
    return told.tell.in_reply_to or goes_back_to(told.by)


def _again(body: bytes) -> Document:
    """Make a fact that was told before of its body, as it was: every property follows from that."""
    event = from_json(body)
    attributes = {name: value for name, value in event.items() if name != "data"}
    return {
        "exchange": EVENTS,
        "type": event["type"],
        "id": event["id"],
        "body": body,
        "headers": table(headers_of(attributes)),
        "correlationId": event.get("correlationid"),
        "at": datetime.fromisoformat(event["time"]),
    }


async def prepare(database: Database) -> None:
    """Create the index by which each exchange's events are found in their order, past all that waits for another."""
    await database[COLLECTION].create_index([(EXCHANGE_OF, 1), ("_id", 1)])


def portions(events: Sequence[Document]) -> Iterator[list[Document]]:
    """Split what one commit tells by exchange, into documents that MongoDB takes (16 MB) and memory can hold."""
    by_exchange: dict[str, list[Document]] = {}
    for event in events:
        by_exchange.setdefault(event["exchange"], []).append(event)
    for of_one in by_exchange.values():
        yield from _portions(of_one)


def _portions(events: Sequence[Document]) -> Iterator[list[Document]]:
    portion: list[Document] = []
    size = 0
    for event in events:
        if portion and (len(portion) == EVENTS_PER_DOCUMENT or size + len(event["body"]) > BYTES_PER_DOCUMENT):
            yield portion
            portion, size = [], 0
        portion.append(event)
        size += len(event["body"])
    yield portion


async def append(database: Database, events: Sequence[Document], transaction: Transaction) -> None:
    """Write events to the outbox, in this transaction.

    The position is taken outside the transaction, after its snapshot: whoever reads what this transaction wrote takes
    a higher one, so one session's facts stand in the outbox in the order of their commits, and commits that have
    nothing to do with each other do not wait for each other.
    """
    batches = list(portions(events))
    if not batches:
        return
    counters = database["counters"].with_options(write_concern=AT_ONCE)
    counter = await counters.find_one_and_update(
        {"_id": "outbox"}, {"$inc": {"last": len(batches)}}, upsert=True, return_document=ReturnDocument.AFTER
    )
    first = (counter or {})["last"] - len(batches) + 1
    rows: list[dict[str, Any]] = [{"_id": first + n, "events": batch} for n, batch in enumerate(batches)]
    await database[COLLECTION].insert_many(rows, session=transaction)
