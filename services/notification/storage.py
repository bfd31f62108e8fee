"""What the notification service keeps: editions, sessions with their links, invitations and notices.

Every document carries the chassis's `revision`, and every write raises it: a handler and a sender that change the same
invitation cannot overwrite each other.
"""

from __future__ import annotations

from collections.abc import Callable
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

FIRST_VERSION = 1
"""The version that a session of 0.2.0 gets, when they had none."""
OLD_INDEX = "session_1_number_1"


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


def _found_by(invitation: Invitation) -> Document:
    """Add the session; and a `number`, since 0.2.0, side by side with this in an upgrade, reads none without one."""
    return {"session": _session_of(invitation), "number": 0}


EDITIONS = _kind("editions", EditionPublished, personal=())
MEETINGS = _kind("sessions", Meeting, personal=())
INVITATIONS = _kind("invitations", Invitation, _found_by, personal=("participant",))
NOTICES = _kind("notices", Notice, personal=("request.participant",))
REFUSALS = _kind("refusals", Told, personal=())
"""Who was told of which refusal today."""


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


async def readable(
    database: Database, kind: Kind[Any], document: Document, session: Session | None = None
) -> Any | None:
    """Read a mail; one that cannot be read is set aside as it is, for a person, and none is returned.

    Whoever found it goes on with the others: what somebody or a defect spoilt must not keep every mail from being sent.
    """
    try:
        document["revision"] + 0
        return kind.read(document)
    except Exception:  # whatever is wrong with it, it is wrong with this one alone
        log.exception("mail_unreadable", invite_id=document["_id"], type=kind.collection)
    same = {"_id": document["_id"], "revision": document.get("revision")}
    await database[kind.collection].update_one(same, _ASIDE, session=session)
    return None


async def prepare(database: Database) -> None:
    """Create the indexes that senders and what follows a session rely on, and bring older documents up to date."""
    await database[INVITATIONS.collection].create_index([("session", 1), ("seen", 1)])
    await database[MEETINGS.collection].create_index("behind", partialFilterExpression={"behind": True})
    await migrate(database)
    for kind in (INVITATIONS, NOTICES):
        await database[kind.collection].create_index([("delivery.state", 1), ("delivery.due", 1)])


async def migrate(database: Database) -> None:
    """Bring what 0.2.0 stored up to date, session by session; what is up to date is left alone.

    Then every invitation was written along with each change of its session: a mail that is the last one says what the
    session's details are now.
    """
    if OLD_INDEX in await database[INVITATIONS.collection].index_information():
        await database[INVITATIONS.collection].drop_index(OLD_INDEX)
    collection = database[MEETINGS.collection]
    async for document in collection.find({"version": {"$exists": False}}):
        session = MEETINGS.read(document)
        older = {"session": document["_id"], "seen": {"$exists": False}}
        await database[INVITATIONS.collection].update_many(older, _brought_up_to_date(session))
        await collection.update_one(
            {"_id": document["_id"], "version": {"$exists": False}},
            {"$set": {"version": FIRST_VERSION, "behind": False, "origin": None}, "$inc": {"revision": 1}},
        )


def _brought_up_to_date(meeting: Meeting) -> list[Document]:
    """Return what gives the invitations to a session, as 0.2.0 stored them, the fields that they lack."""
    starts_at = meeting.session.starts_at if meeting.session else None
    shown = {"details": meeting.details, "address": 0, "startsAt": starts_at}
    followed = {"$ne": [{"$ifNull": ["$following", None]}, None]}
    invites = {"$and": [{"$eq": ["$mail.method", "REQUEST"]}, {"$not": [followed]}]}
    return [
        {
            "$set": {
                "seen": FIRST_VERSION,
                "askedCause": "$mail.cause",
                "askedOrigin": "$mail.origin",
                "overtaken": followed,
                "mail.shows": {"$cond": [invites, shown, None]},
                "revision": {"$add": ["$revision", 1]},
            }
        },
        {"$set": {"arrived": {"$cond": [{"$eq": ["$delivery.state", "sent"]}, "$mail", None]}}},
        {"$unset": "following"},
    ]


async def uncertain(database: Database, most: int) -> list[Letter]:
    """List the mails of which nobody knows whether the mail server took them, oldest first."""
    found: list[Letter] = []
    for kind in (INVITATIONS, NOTICES):
        cursor = database[kind.collection].find({"delivery.state": "uncertain"}).sort("delivery.due", 1)
        found += [kind.read(document) for document in await cursor.limit(most).to_list(None)]
    return sorted(found, key=lambda letter: letter.delivery.due)[:most]
