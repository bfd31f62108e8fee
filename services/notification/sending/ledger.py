"""The ledger: how a sender takes stored mails and records what became of them.

A claim makes one sender at a time responsible for a mail. It is kept with the mail: its token guards every further
step, and it lapses, so that a mail whose sender died is found again. When it lapses is for the database's clock alone
to say, and is judged in the update that rests on it: senders' clocks may differ, and a sender may sleep at any point.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, TypeVar

import structlog
from pymongo import ReturnDocument

from chassis.chance import new_id
from chassis.documents import Document, Kind
from chassis.errors import Conflict
from chassis.handling import Tell
from chassis.lease import SERVER_NOW
from chassis.mongo import Database, Transaction
from instroom_contracts.cloudevent import EventData
from instroom_contracts.mailbox import NotMailable, mailable, mailbox
from services.notification.domain.delivery import Outcome, Terms, concluded, is_news, left_behind
from services.notification.domain.invitation import Invitation
from services.notification.domain.inviting import finished
from services.notification.domain.letter import Letter, ids_of
from services.notification.domain.meeting import Meeting
from services.notification.domain.notice import Notice
from services.notification.domain.standing import Refusal
from services.notification.sending.limits import DailyCap
from services.notification.sending.pausing import Pausing, later
from services.notification.storage.kinds import (
    EDITIONS,
    MAILS,
    MEETINGS,
    NEXT_REVISION,
    kind_of,
    meeting_id,
    readable,
)
from services.notification.writing.composing import Background

log = structlog.get_logger()

T = TypeVar("T")

STANDS: Document = {"delivery.state": "sending", "$expr": {"$gt": ["$delivery.claim.until", SERVER_NOW]}}
LAPSED: Document = {"delivery.state": "sending", "$expr": {"$lt": ["$delivery.claim.until", SERVER_NOW]}}
DUE_FIRST = {"delivery.due": 1}
LOOKED_AT, MOST_ASKED = 20, 3
"""Of so many mails that were sent last, the recipients at so many domains say whether the server still takes any."""

Begin = Callable[[], AbstractAsyncContextManager[Transaction]]
"""Open a transaction, which ends with the block."""
TellIn = Callable[[Transaction, Sequence[Tell], datetime], Awaitable[None]]
"""Write events to the outbox, in this transaction."""


def due(now: datetime) -> Document:
    """Select what a sender may take; a mail that is `pending` is due, whatever the clock of who asked for it said."""
    return {"$or": [{"delivery.state": "pending"}, {"delivery.state": "retry", "delivery.due": {"$lte": now}}]}


def in_turn(now: datetime) -> Document:
    """Select what is for a sender to deal with: what it may take, and what another left behind."""
    return {"$or": [due(now), LAPSED]}


@dataclass(frozen=True)
class Leases:
    """How long a claim lasts: up to the final dot, and from there until the server must have answered."""

    before_dot: timedelta
    after_dot: timedelta


class MongoLedger:
    """The ledger in the service's own database."""

    def __init__(self, database: Database, begin: Begin, tell: TellIn, *, terms: Terms, leases: Leases) -> None:
        self._database = database
        self._mails = database[MAILS]
        self._begin = begin
        self._tell = tell
        self._terms = terms
        self._leases = leases
        self._pausing = Pausing(database, terms)
        self._cap = DailyCap(database, terms.daily_cap)

    async def claim(self, now: datetime) -> Letter | None:
        """Take the mail that has been due for longest, of whatever kind; it is `sending` now.

        While sending rests, take one to try at the end of each pause: the one that was tried least, since those that
        the server refused before may be refused for good. What a sender that died left behind is judged on the way.
        """
        token = new_id()
        if not (await self._pausing.standing()).is_paused:
            return await self._in_turn(token, now)
        while await self.settle_left_behind(now):
            pass
        if await self._mails.find_one(due(now), {"_id": 1}) and await self._pausing.may_probe(
            token, self._leases.after_dot
        ):
            return await self._take(token, {"delivery.attempts": 1, **DUE_FIRST}, now)
        return None

    async def _in_turn(self, token: str, now: datetime) -> Letter | None:
        """Deal with what has been due for longest until that is a mail to send."""
        first = {"sort": list(DUE_FIRST.items()), "projection": {"delivery.state": 1}}
        while document := await self._mails.find_one(in_turn(now), **first):
            if document["delivery"]["state"] == "sending":
                await self.settle_left_behind(now)
            elif letter := await self._take(token, DUE_FIRST, now):
                return letter
        return None

    async def _take(self, token: str, order: Mapping[str, int], now: datetime) -> Letter | None:
        claim = {"token": token, "until": later(self._leases.before_dot), "handedOver": False}
        taken = {"delivery.state": "sending", "delivery.claim": claim, "revision": NEXT_REVISION}
        while document := await self._mails.find_one_and_update(
            due(now), [{"$set": taken}], sort=list(order.items()), return_document=ReturnDocument.AFTER
        ):
            letter: Letter | None = await readable(self._database, document)
            if letter:
                return letter
        return None

    async def settle_left_behind(self, now: datetime) -> Letter | None:
        """Judge the first mail whose claim has run out by how far it had come, in the transaction that reads it.

        Raises `Conflict` where the mail changed at the same time: its sender may be awake again.
        """
        if await self._mails.find_one(LAPSED, {"_id": 1}) is None:
            return None
        async with self._begin() as transaction:
            document = await self._mails.find_one(LAPSED, sort=list(DUE_FIRST.items()), session=transaction)
            letter: Letter | None = await readable(self._database, document, transaction) if document else None
            if document and letter:
                await self._conclude(letter, document["revision"], left_behind(letter.delivery), now, transaction)
        if letter:
            log.warning("mail_left_behind", **ids_of(letter))
        return letter

    async def background(self, letter: Letter) -> Background:
        """Return what is known of the edition and the session that a mail is about."""
        if isinstance(letter, Notice):
            asked_about = await self._found(EDITIONS, letter.request.edition_id)
            return Background(asked_about)
        edition = await self._found(EDITIONS, letter.edition_id)
        return Background(edition, await self._meeting(letter))

    async def admits(self, letter: Letter, now: datetime) -> bool:
        """Count a mail for its mailbox; False where that has had its share of the day, unless a person released it."""
        if letter.delivery.released:
            return True
        return await self._cap.admits(letter.message_id(self._terms.domain), letter.participant.email, now)

    async def served(self) -> list[str]:
        """Return addresses that the mail server took the last mails for, one of each domain."""
        sent = self._mails.find({"delivery.state": "sent"}).sort("delivery.due", -1).limit(LOOKED_AT)
        by_domain: dict[str, str] = {}
        async for document in sent:
            letter: Letter | None = await readable(self._database, document)
            if letter is None:
                continue
            with suppress(NotMailable):
                address = mailable(letter.participant.email)
                if address.isascii():  # any server knows what it is asked
                    by_domain.setdefault(address.rpartition("@")[2], address)
        return [*by_domain.values()][:MOST_ASKED]

    async def hand_over(self, letter: Letter) -> bool:
        """Record durably that the final dot comes next; False where the claim is lost or the mail is out of date.

        A session that changes after it was looked at here finds the mail on record as of its earlier version, and has
        another one sent after it.
        """
        if isinstance(letter, Invitation) and not await self._is_up_to_date(letter):
            return False
        coming = {"delivery.claim.handedOver": True, "delivery.claim.until": later(self._leases.after_dot)}
        done = await self._mails.update_one(
            {**_claimed(letter), **STANDS, "overtaken": {"$ne": True}},
            [{"$set": {**coming, "revision": NEXT_REVISION}}],
        )
        return done.matched_count == 1

    async def finish(self, letter: Letter, outcome: Outcome, now: datetime) -> None:
        """Record how an attempt ended and tell the facts, in one transaction; nothing where the claim is lost.

        Raises `Conflict` where the mail changed at the same time; then it can be done again.
        """
        async with self._begin() as transaction:
            document = await self._mails.find_one(_claimed(letter), session=transaction)
            kept: Letter | None = await readable(self._database, document, transaction) if document else None
            if document and kept and is_news(kept.delivery, outcome):
                await self._conclude(kept, document["revision"], outcome, now, transaction)

    async def _conclude(
        self, letter: Letter, revision: int, outcome: Outcome, now: datetime, transaction: Transaction
    ) -> None:
        """Write what a mail has come to over the revision that was read, and tell it; and how we stand since."""
        outcome = await self._in_its_light(letter, outcome, now, transaction)
        after, tells = await self._concluded(letter, outcome, now, transaction)
        document = {"revision": revision + 1, **kind_of(letter).write(after)}
        as_read = {"_id": letter.id, "revision": revision}
        if (await self._mails.replace_one(as_read, document, session=transaction)).matched_count != 1:
            raise Conflict("a mail changed after it was read")
        await self._tell(transaction, tells, now)

    async def _in_its_light(self, letter: Letter, outcome: Outcome, now: datetime, transaction: Transaction) -> Outcome:
        """Learn from an outcome how we stand with the server, and return what it means for its mail in that light."""
        before = await self._pausing.standing(transaction)
        first = Refusal(letter.id, _digest(letter))
        refusal = None if letter.delivery.put_back else first
        claim = letter.delivery.claim.token if letter.delivery.claim else ""
        after = before.after(outcome, refusal, claim, self._terms.refusals)
        if after != before or (after.is_paused and claim == before.probe):
            await self._pausing.keep(after, transaction)
        if after.pauses > before.pauses:
            log.error("mail_paused", reason=after.objection, smtp_code=after.code, count=after.pauses)
        if after.is_paused and not before.is_paused:
            await self._put_back(before.refusals, now, transaction)
        if before.is_paused and not after.is_paused:
            log.info("mail_resumed")
        return after.softened(outcome)

    async def _put_back(self, refusals: Sequence[Refusal], now: datetime, transaction: Transaction) -> None:
        """Have the mails sent after all that were given up right before the server turned out to refuse everything."""
        again = {"delivery.state": "pending", "delivery.due": now, "delivery.putBack": True}
        for one in refusals:
            given_up = {"_id": one.id, "delivery.state": "failed", "delivery.putBack": {"$ne": True}}
            change: Document = {"$set": again, "$inc": {"revision": 1}}
            await self._mails.update_one(given_up, change, session=transaction)

    async def _concluded(
        self, letter: Letter, outcome: Outcome, now: datetime, transaction: Transaction
    ) -> tuple[Letter, list[Tell]]:
        if isinstance(letter, Notice):
            return replace(letter, delivery=concluded(letter.delivery, outcome, now, self._terms)), []
        meeting = await self._meeting(letter, transaction) or Meeting()
        after, facts = finished(letter, meeting, outcome, now, self._terms)
        return after, [_tell(fact, letter) for fact in facts]

    async def _is_up_to_date(self, invitation: Invitation) -> bool:
        """Say whether the session is as it was when the invitation was judged."""
        session = {"_id": meeting_id(invitation.edition_id, invitation.session_id)}
        document = await self._database[MEETINGS.collection].find_one(session, {"version": 1})
        version: int = (document or {}).get("version", 0)
        return version == invitation.seen

    async def _meeting(self, invitation: Invitation, transaction: Transaction | None = None) -> Meeting | None:
        return await self._found(MEETINGS, meeting_id(invitation.edition_id, invitation.session_id), transaction)

    async def _found(self, kind: Kind[T], id: str | None, transaction: Transaction | None = None) -> T | None:
        """Find what a mail is about; what cannot be read counts as not known yet, and its mails wait for it."""
        document = await self._database[kind.collection].find_one({"_id": id}, session=transaction)
        try:
            return None if document is None else kind.read(document)
        except Exception:  # whatever is wrong with it, other mails are not about it
            log.exception("background_unreadable", **{_names(kind): id})
            return None


def _claimed(letter: Letter) -> Document:
    """Select a mail as long as the claim that it was taken under stands."""
    claim = letter.delivery.claim
    return {"_id": letter.id, "delivery.claim.token": claim.token if claim else ""}


def _names(kind: Kind[Any]) -> str:
    return "edition_id" if kind is EDITIONS else "session_id"


def _digest(letter: Letter) -> str:
    return sha256(mailbox(letter.participant.email).encode()).hexdigest()


def _tell(fact: EventData, invitation: Invitation) -> Tell:
    origin = invitation.mail.origin
    whose = {"owner": invitation.owner, "provider": invitation.provider}
    return Tell(fact, invitation.enrolment_id, invitation.edition_id, origin, **whose)
