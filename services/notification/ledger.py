"""The ledger: how a sender takes stored mails and records what became of them.

A claim makes one sender at a time responsible for a mail. It is kept with the mail: its token guards every further
step, and it lapses, so that a mail whose sender died is found again.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from pymongo import ReturnDocument

from chassis.documents import Document, Kind
from chassis.errors import Conflict
from chassis.handling import Cause, Tell
from chassis.mongo import Database, Session
from instroom_contracts.cloudevent import EventData
from services.notification.composing import Background
from services.notification.delivery import Outcome, Terms, concluded
from services.notification.domain import Invitation, Letter, Meeting, Notice
from services.notification.inviting import finished
from services.notification.storage import EDITIONS, INVITATIONS, MEETINGS, NOTICES, kind_of, meeting_id

T = TypeVar("T")
Transaction = Callable[[], AbstractAsyncContextManager[Session]]
TellIn = Callable[[Session, Sequence[Tell], datetime], Awaitable[None]]
"""Write events to the outbox, in the transaction of this session."""


@dataclass(frozen=True)
class Leases:
    """How long a claim lasts: up to the final dot, and from there until the server must have answered."""

    before_dot: timedelta
    after_dot: timedelta


class MongoLedger:
    """The ledger in the service's own database."""

    def __init__(
        self, database: Database, transaction: Transaction, tell: TellIn, *, terms: Terms, leases: Leases
    ) -> None:
        self._database = database
        self._transaction = transaction
        self._tell = tell
        self._terms = terms
        self._leases = leases

    async def claim(self, now: datetime) -> Letter | None:
        """Take the mail that has been due for longest; it is `sending` now."""
        due = {"delivery.state": {"$in": ["pending", "retry"]}, "delivery.due": {"$lte": now}}
        claim = {"token": uuid.uuid4().hex, "until": now + self._leases.before_dot, "handedOver": False}
        taken = {"$set": {"delivery.state": "sending", "delivery.claim": claim}, "$inc": {"revision": 1}}
        for kind in (INVITATIONS, NOTICES):
            document = await self._database[kind.collection].find_one_and_update(
                due, taken, sort=[("delivery.due", 1)], return_document=ReturnDocument.AFTER
            )
            if document is not None:
                return kind.read(document)
        return None

    async def lapsed(self, now: datetime) -> Letter | None:
        """Return a mail that is `sending` and whose claim has run out."""
        for kind in (INVITATIONS, NOTICES):
            document = await self._database[kind.collection].find_one(
                {"delivery.state": "sending", "delivery.claim.until": {"$lt": now}}
            )
            if document is not None:
                return kind.read(document)
        return None

    async def background(self, letter: Letter) -> Background:
        """Return what is known of the edition and the session that a mail is about."""
        if isinstance(letter, Notice):
            asked_about = await self._found(EDITIONS, letter.request.edition_id)
            return Background(asked_about)
        edition = await self._found(EDITIONS, letter.edition_id)
        return Background(edition, await self._meeting(letter))

    async def hand_over(self, letter: Letter, now: datetime) -> bool:
        """Record durably that the final dot comes next; False where the claim is lost or the mail is out of date.

        A session that changes after it was looked at here finds the mail on record as of its earlier version, and has
        another one sent after it.
        """
        if isinstance(letter, Invitation) and not await self._is_up_to_date(letter):
            return False
        coming = {"delivery.claim.handedOver": True, "delivery.claim.until": now + self._leases.after_dot}
        done = await self._database[kind_of(letter).collection].update_one(
            {**_held(letter), "overtaken": {"$ne": True}}, {"$set": coming, "$inc": {"revision": 1}}
        )
        return done.matched_count == 1

    async def finish(self, letter: Letter, outcome: Outcome, now: datetime) -> None:
        """Record how an attempt ended and tell the facts, in one transaction; nothing where the claim is lost.

        Raises `Conflict` where the mail changed at the same time; then it can be done again.
        """
        kind = kind_of(letter)
        letters = self._database[kind.collection]
        async with self._transaction() as session:
            document = await letters.find_one(_held(letter), session=session)
            if document is None:
                return
            after, tells = await self._concluded(kind.read(document), outcome, now, session)
            read = {"_id": document["_id"], "revision": document["revision"]}
            written = await letters.replace_one(
                read, {"revision": document["revision"] + 1, **kind.write(after)}, session=session
            )
            if written.matched_count != 1:
                raise Conflict(f"a document of {kind.collection} changed after it was read")
            await self._tell(session, tells, now)

    async def _concluded(
        self, letter: Letter, outcome: Outcome, now: datetime, session: Session
    ) -> tuple[Letter, list[Tell]]:
        if isinstance(letter, Notice):
            return replace(letter, delivery=concluded(letter.delivery, outcome, now, self._terms)), []
        meeting = await self._meeting(letter, session) or Meeting()
        after, facts = finished(letter, meeting, outcome, now, self._terms)
        return after, [_tell(fact, letter) for fact in facts]

    async def _is_up_to_date(self, invitation: Invitation) -> bool:
        """Say whether the session is as it was when the invitation was judged."""
        session = {"_id": meeting_id(invitation.edition_id, invitation.session_id)}
        document = await self._database[MEETINGS.collection].find_one(session, {"version": 1})
        version: int = (document or {}).get("version", 0)
        return version == invitation.seen

    async def _meeting(self, invitation: Invitation, session: Session | None = None) -> Meeting | None:
        return await self._found(MEETINGS, meeting_id(invitation.edition_id, invitation.session_id), session)

    async def _found(self, kind: Kind[T], id: str | None, session: Session | None = None) -> T | None:
        document = await self._database[kind.collection].find_one({"_id": id}, session=session)
        return None if document is None else kind.read(document)


def _held(letter: Letter) -> Document:
    """Select a mail as long as the claim that it was taken under stands."""
    claim = letter.delivery.claim
    return {"_id": letter.id, "delivery.claim.token": claim.token if claim else ""}


def _tell(fact: EventData, invitation: Invitation) -> Tell:
    origin = invitation.mail.origin
    cause = Cause(origin.id, origin.source, origin.traceparent)
    whose = {"owner": invitation.owner, "provider": invitation.provider}
    return Tell(fact, invitation.enrolment_id, invitation.edition_id, cause, **whose)
