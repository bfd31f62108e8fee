"""What the notification service keeps: editions, sessions with their links, and mails, which are of two kinds.

Every document carries the chassis's `revision`, and every write raises it: a handler and a sender that change the same
invitation cannot overwrite each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import structlog
from pydantic import TypeAdapter
from pydantic.alias_generators import to_camel, to_snake

from chassis.documents import Document, Kind, Personal
from chassis.kept import Kept
from chassis.mongo import Database, Session
from instroom_contracts.catalog import EditionPublished
from services.notification.domain import Invitation, Letter, Meeting, Notice
from services.notification.limits import Told

log = structlog.get_logger()

T = TypeVar("T")

MAILS = "mails"
"""The queue: every mail that is under way, was sent, or waits for a person, of every kind; taken by due time."""


def meeting_id(edition_id: str, session_id: str) -> str:
    """Return the id under which a session is kept; a session's own id is unique within its edition only."""
    return f"{edition_id}/{session_id}"


def _kind(collection: str, of: type[T], also: Callable[[T], Document] = lambda _: {}, *, personal: Personal) -> Kind[T]:
    """Keep values under the names that the wire has; `also` adds fields for queries."""
    adapter = TypeAdapter(of)

    def read(document: Document) -> T:
        return adapter.validate_python(_renamed(document, to_snake))

    def write(value: T) -> Document:
        return {**_renamed(adapter.dump_python(value), to_camel), **also(value)}

    return Kind(collection, read, write, personal)


def _renamed(value: Any, name: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {name(key): _renamed(inner, name) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_renamed(inner, name) for inner in value]
    return value


def _session_of(invitation: Invitation) -> str:
    return meeting_id(invitation.edition_id, invitation.session_id)


EDITIONS = _kind("editions", EditionPublished, personal=())
MEETINGS = _kind("meetings", Meeting, personal=())
INVITATIONS = _kind(
    MAILS, Invitation, lambda one: {"kind": "invitation", "session": _session_of(one)}, personal=("participant",)
)
NOTICES = _kind(MAILS, Notice, lambda _: {"kind": "notice"}, personal=("request.participant",))
REFUSALS = _kind("refusals", Told, personal=())
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


async def readable(database: Database, document: Document, session: Session | None = None) -> Any | None:
    """Read a mail; one that cannot be read is set aside as it is, for a person, and none is returned.

    Whoever found it goes on with the others: what somebody or a defect spoilt must not keep every mail from being sent.
    """
    try:
        document["revision"] + 0
        return LETTERS[document["kind"]].read(document)
    except Exception:  # whatever is wrong with it, it is wrong with this one alone
        log.exception("mail_unreadable", invite_id=document["_id"], type=document.get("kind"))
    same = {"_id": document["_id"], "revision": document.get("revision")}
    await database[MAILS].update_one(same, _ASIDE, session=session)
    return None


async def prepare(database: Database) -> None:
    """Create the indexes that senders and what follows a session rely on."""
    await database[MAILS].create_index([("session", 1), ("seen", 1)])
    await database[MAILS].create_index([("delivery.state", 1), ("delivery.due", 1)])
    await database[MEETINGS.collection].create_index("behind", partialFilterExpression={"behind": True})
