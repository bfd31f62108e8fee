"""What the notification service keeps: editions, sessions with their links, and mails, which are of two kinds.

Every document carries the chassis's `revision`, and every write raises it: a handler and a sender that change the same
invitation cannot overwrite each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog

from chassis.codec import kept_in
from chassis.documents import Document, Kind
from chassis.kept import Kept
from chassis.mongo import Database, Transaction
from instroom_contracts.catalog import EditionPublished
from services.notification.domain.daily import RefusalMailed
from services.notification.domain.invitation import Invitation
from services.notification.domain.letter import Letter
from services.notification.domain.meeting import Meeting
from services.notification.domain.notice import Notice

log = structlog.get_logger()

MAILS = "mails"
"""The queue: every mail that is under way, was sent, or waits for a person, of every kind; taken by due time."""


def meeting_id(edition_id: str, session_id: str) -> str:
    """Return the id under which a session is kept; a session's own id is unique within its edition only."""
    return f"{edition_id}/{session_id}"


def _sought(invitation: Invitation) -> Document:
    return {"kind": "invitation", "session": meeting_id(invitation.edition_id, invitation.session_id)}


EDITIONS = Kind("editions", EditionPublished.model_validate, EditionPublished.model_dump, personal=())
MEETINGS = kept_in("meetings", Meeting, personal=())
INVITATIONS = kept_in(MAILS, Invitation, personal=("participant",), also=_sought)
NOTICES = kept_in(MAILS, Notice, personal=("request.participant",), also=lambda _: {"kind": "notice"})
REFUSALS = kept_in("refusals", RefusalMailed, personal=())
"""Who was told of which refusal today."""

LETTERS: Mapping[str, Kind[Any]] = {"invitation": INVITATIONS, "notice": NOTICES}
"""The kinds of mail, by what a document says that it is."""

KEPT = (
    *(EDITIONS, MEETINGS, INVITATIONS, NOTICES, REFUSALS),
    Kept("mailed", ()),
    Kept("standing", ()),
)
"""Mailboxes are counted, and recipients compared, by digests."""


def kind_of(letter: Letter) -> Kind[Any]:
    """Return the kind of document that a letter is kept as."""
    return INVITATIONS if isinstance(letter, Invitation) else NOTICES


UNREADABLE = "unreadable"
"""The state of mails that are set aside; none of `State`, for nothing is to read one before a person released it."""

NEXT_REVISION: Document = {"$cond": [{"$isNumber": "$revision"}, {"$add": ["$revision", 1]}, 1]}
"""One more, also of what somebody spoilt."""

_WAS: Document = {
    "$switch": {
        "branches": [
            {"case": {"$eq": ["$delivery.claim.handedOver", True]}, "then": "uncertain"},
            {"case": {"$eq": ["$delivery.state", "sending"]}, "then": "pending"},
        ],
        "default": "$delivery.state",
    }
}
_ASIDE = [{"$set": {"delivery.was": _WAS, "delivery.state": UNREADABLE, "revision": NEXT_REVISION}}]
"""What sets a mail aside; `was` says whether it may have arrived."""


async def readable(database: Database, document: Document, transaction: Transaction | None = None) -> Any | None:
    """Read a mail; one that cannot be read is set aside as it is, for a person, and none is returned.

    Whoever found it goes on with the others: what somebody or a defect spoilt must not keep every mail from being sent.
    """
    try:
        document["revision"] + 0
        return LETTERS[document["kind"]].read(document)
    except Exception:  # whatever is wrong with it, it is wrong with this one alone
        log.exception("mail_unreadable", invite_id=document["_id"], type=document.get("kind"))
    same = {"_id": document["_id"], "revision": document.get("revision")}
    await database[MAILS].update_one(same, _ASIDE, session=transaction)
    return None


async def prepare(database: Database) -> None:
    """Create the indexes that senders and what follows a session rely on."""
    await database[MAILS].create_index([("session", 1), ("seen", 1)])
    await database[MAILS].create_index([("delivery.state", 1), ("delivery.due", 1)])
    await database[MEETINGS.collection].create_index("behind", partialFilterExpression={"behind": True})
