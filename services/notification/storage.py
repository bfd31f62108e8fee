"""What the notification service keeps: editions, sessions with their links, invitations and notices.

Every document carries the chassis's `revision`, and every write raises it: a handler and a sender that change the same
invitation cannot overwrite each other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import TypeAdapter
from pydantic.alias_generators import to_camel, to_snake

from chassis.documents import Document, Kind, Order
from chassis.mongo import Database
from instroom_contracts.catalog import EditionPublished
from services.notification.domain import Invitation, Letter, Meeting, Notice
from services.notification.limits import Told

T = TypeVar("T")


def meeting_id(edition_id: str, session_id: str) -> str:
    """Return the id under which a session is kept; a session's own id is unique within its edition only."""
    return f"{edition_id}/{session_id}"


def _kind(collection: str, of: type[T], also: Callable[[T], Document] = lambda _: {}) -> Kind[T]:
    """Keep values under the names that the wire has; `also` adds fields for queries."""
    adapter = TypeAdapter(of)

    def read(document: Document) -> T:
        return adapter.validate_python(_renamed(document, to_snake))

    def write(value: T) -> Document:
        return {**_renamed(adapter.dump_python(value), to_camel), **also(value)}

    return Kind(collection, read, write)


def _renamed(value: Any, name: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {name(key): _renamed(inner, name) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_renamed(inner, name) for inner in value]
    return value


def _session_of(invitation: Invitation) -> str:
    return meeting_id(invitation.edition_id, invitation.session_id)


EDITIONS = _kind("editions", EditionPublished)
MEETINGS = _kind("sessions", Meeting)
INVITATIONS = _kind("invitations", Invitation, lambda invitation: {"session": _session_of(invitation)})
NOTICES = _kind("notices", Notice)
REFUSALS = _kind("refusals", Told)
"""Who was told of which refusal today."""

OF_SESSION = Order(
    INVITATIONS, group="session", rank="number", group_of=_session_of, rank_of=lambda invitation: invitation.number
)
"""The invitations of one session, in the order in which they were asked for."""


def kind_of(letter: Letter) -> Kind[Any]:
    """Return the kind of document that a letter is kept as."""
    return INVITATIONS if isinstance(letter, Invitation) else NOTICES


async def prepare(database: Database) -> None:
    """Create the indexes that handlers and senders rely on."""
    await database[INVITATIONS.collection].create_index([("session", 1), ("number", 1)])
    for kind in (INVITATIONS, NOTICES):
        await database[kind.collection].create_index([("delivery.state", 1), ("delivery.due", 1)])


async def uncertain(database: Database, most: int) -> list[Letter]:
    """List the mails of which nobody knows whether the mail server took them, oldest first."""
    found: list[Letter] = []
    for kind in (INVITATIONS, NOTICES):
        cursor = database[kind.collection].find({"delivery.state": "uncertain"}).sort("delivery.due", 1)
        found += [kind.read(document) for document in await cursor.limit(most).to_list(None)]
    return sorted(found, key=lambda letter: letter.delivery.due)[:most]
