"""Where evidence comes from: one snapshot of the databases, then the replay stream, then the queues.

The snapshot comes first: whatever it knows of was told before the stream is read, or stands in an outbox of the same
snapshot. So an audit of a busy system judges like with like.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from aio_pika.abc import AbstractConnection

from chassis.clock import COLLECTION as CLOCK
from chassis.clock import ahead_by
from chassis.mongo import Database, Transaction
from cli.audit.evidence import (
    NEVER,
    Counter,
    Enrolment,
    Evidence,
    Invitation,
    Offered,
    Outbox,
    Place,
    Pool,
    SessionKey,
    Spent,
    Turn,
    moment_of,
    pool_in,
)
from cli.broker import queue_depths
from cli.databases import SERVICES, Databases
from cli.facts import Fact
from cli.queues import is_dead_letter_queue, queue_names
from cli.stream import read_up_to_now
from instroom_contracts import topology
from instroom_contracts.mailbox import mailbox
from instroom_contracts.visible import plain

Document = dict[str, Any]


@dataclass
class Reader:
    """Reads evidence, again and again: the stream is taken up where the last reading ended."""

    databases: Databases
    connection: AbstractConnection
    _streamed: list[Fact] = field(default_factory=list)
    _next: int | None = None
    _whole: bool = True

    async def read(self) -> Evidence:
        """Read everything that the promises are judged by."""
        kept, unsent = await _snapshot(self.databases)
        await self._catch_up()
        known = {(fact.text("source"), fact.id) for fact in self._streamed}
        untold = [fact for fact in unsent if (fact.text("source"), fact.id) not in known]
        depths = await queue_depths(self.connection, filter(is_dead_letter_queue, queue_names()))
        return replace(
            kept,
            facts=(*self._streamed, *untold),
            untold=len(untold),
            whole=self._whole,
            dead_letters={queue: ready for queue, (ready, _) in depths.items()},
        )

    async def _catch_up(self) -> None:
        async for offset, fact in read_up_to_now(self.connection, "first" if self._next is None else self._next):
            if self._next is None:
                self._whole = offset == 0
            if fact is not None and offset >= (self._next or 0):
                self._streamed.append(fact)
            self._next = offset + 1


async def _snapshot(of: Databases) -> tuple[Evidence, list[Fact]]:
    """Read all three databases as they were at one moment, and the facts of their outboxes."""
    async with of.mongo.transaction() as transaction:
        enrolment, notification = of["enrolment"], of["notification"]
        enrolments = await _all(enrolment, "enrolments", transaction, _ENROLMENT_FIELDS)
        live = await _all(enrolment, "participants", transaction)
        mails = await _all(notification, "mails", transaction, _NO_PERSON, _INVITATIONS)
        outboxes = {service: await _all(of[service], "outbox", transaction) for service in SERVICES}
        now = datetime.now(UTC) + sum(map(ahead_by, await _all(enrolment, CLOCK, transaction)), timedelta())
        evidence = Evidence(
            now=now,
            pools=tuple(map(_pool, await _all(enrolment, "pools", transaction))),
            counters=tuple(map(_counter, await _all(enrolment, "sessions", transaction))),
            enrolments=tuple(map(_enrolment, enrolments)),
            turns=tuple(map(_turn, await _all(enrolment, "waiting_list", transaction))),
            spent=tuple(map(_spent, await _all(enrolment, "inbox", transaction, {"type": 1, "at": 1}))),
            parked=frozenset(row["_id"] for row in await _all(enrolment, "parked", transaction, {"_id": 1})),
            unfinished=frozenset(row["about"] for row in await _all(enrolment, "due", transaction) if row["at"] <= now),
            live={row["_id"]: row["enrolmentId"] for row in live},
            sessions=dict(pair for row in await _all(enrolment, "editions", transaction) for pair in _offered(row)),
            invitations=tuple(map(_invitation, mails)),
            outboxes=tuple(_outbox(service, rows) for service, rows in outboxes.items()),
        )
    return evidence, [fact for rows in outboxes.values() for row in rows for fact in _facts(row)]


_WHO = ("participant.email", "participant.reference")
_ENROLMENT_FIELDS = dict.fromkeys(("editionId", "state", "allOrNothing", "places", "mainId", *_WHO), 1)
_INVITATIONS, _NO_PERSON = {"kind": "invitation"}, {"participant": 0}


async def _all(
    database: Database,
    collection: str,
    transaction: Transaction,
    fields: Mapping[str, int] | None = None,
    which: Mapping[str, str] | None = None,
) -> list[Document]:
    cursor = database[collection].find(which or {}, fields, session=transaction)
    return await cursor.sort("_id", 1).to_list(None)


def _pool(row: Document) -> Pool:
    sessions = tuple((edition, session) for edition, session in row["sessions"])
    return Pool(row["_id"], row["capacity"], row["limit"], row["taken"], row["waiting"], sessions)


def _counter(row: Document) -> Counter:
    return Counter(
        (row["editionId"], row["sessionId"]), row["version"], row["confirmed"], row["queued"], row["waiting"]
    )


def _enrolment(row: Document) -> Enrolment:
    places = (
        Place(row["_id"], (row["editionId"], place["sessionId"]), place["state"], row["mainId"] or row["_id"])
        for place in row["places"]
    )
    return Enrolment(
        id=row["_id"],
        edition=row["editionId"],
        participant=_digest(row.get("participant") or {}, row["_id"]),
        state=row["state"],
        all_or_nothing=row["allOrNothing"],
        places=tuple(places),
    )


def _digest(participant: Mapping[str, Any], otherwise: str) -> str:
    """Name a participant by mailbox and reference; an erased one by the enrolment alone."""
    if not participant.get("email"):
        return otherwise
    name = f"{mailbox(participant['email'])}\n{plain(participant.get('reference') or '')}"
    return hashlib.sha256(name.encode()).hexdigest()


def _turn(row: Document) -> Turn:
    edition, _, session = row["session"].partition("/")
    return Turn((edition, session), row["enrolmentId"], row["number"], row["seats"])


def _spent(row: Document) -> Spent:
    return Spent(row["_id"], row["type"], row["at"])


def _offered(edition: Document) -> list[tuple[SessionKey, Offered]]:
    return [
        (
            (edition["editionId"], session["sessionId"]),
            Offered(
                moment_of(session.get("startsAt")),
                "cancelled" in (edition["state"], session.get("state")),
                pool_in(edition, session),
                session.get("capacity"),
            ),
        )
        for session in edition["sessions"]
    ]


def _invitation(row: Document) -> Invitation:
    """Read an invitation; of one that is spoilt so much as tells whose it is."""
    try:
        mail = row["mail"]
        return Invitation(
            enrolment=row["enrolmentId"],
            session=(row["editionId"], row["sessionId"]),
            asked_method=row["askedMethod"],
            asked_at=_instant(row["askedAt"]),
            method=row["askedMethod"] if row.get("overtaken") else mail["method"],
            sequence=mail["sequence"],
            state=row["delivery"]["state"],
        )
    except (KeyError, TypeError, AttributeError):
        enrolment, session = str(row.get("enrolmentId")), (str(row.get("editionId")), str(row.get("sessionId")))
        return Invitation(enrolment, session, "REQUEST", NEVER, "REQUEST", 0, "unreadable")


def _instant(value: object) -> datetime:
    if not isinstance(value, datetime):
        raise TypeError
    return value


def _outbox(service: str, rows: list[Document]) -> Outbox:
    exchanges = {event["exchange"] for row in rows for event in row["events"]}
    oldest = min((row["events"][0]["at"] for row in rows), default=None)
    return Outbox(service, len(rows), oldest, tuple(sorted(exchanges)))


def _facts(row: Document) -> list[Fact]:
    bodies = (bytes(event["body"]) for event in row["events"] if event["exchange"] == topology.EVENTS)
    return [fact for body in bodies if (fact := Fact.read(body))]
