"""Long work, done in portions: each is decided and committed like a message, and others' messages come in between.

A handler that is not through with what an event asks for keeps what is left together with its decision (`go_on`). A
task of the service (`resuming.py`) has that handled, one portion after the other, until a handler leaves nothing. What
is left stands in the database and nowhere else, so a process that dies leaves it to the next one; and a portion judges
things as they are when its turn comes, not as they were when the work began (docs/decisions/0019-portions.md).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID, uuid5

from chassis.documents import ById, Document, Documents, Kind
from chassis.handling import Cause
from instroom_contracts.cloudevent import CloudEvent, EventData, type_of

D = TypeVar("D", bound=EventData)

NAMESPACE = UUID("0b0c7b1e-7d0f-4f53-9a1e-5f6f3d2c8a47")


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What is left to do about one thing.

    `id` is that of the event that goes on with it, `type` and `data` say what that asks for. `moment` is the time that
    it is judged at, `cause` the intake event that it goes back to (None: none but itself), `since` when it was left.
    """

    id: str
    type: str
    about: str
    data: Document
    moment: datetime
    cause: Cause | None
    since: datetime


def _read(document: Document) -> Unfinished:
    cause = Cause(**document["cause"]) if document["cause"] else None
    what = (document["event"], document["type"], document["about"], document["data"], document["moment"])
    return Unfinished(*what, cause, document["since"])


def _write(left: Unfinished) -> Document:
    return {
        "event": left.id,
        "type": left.type,
        "about": left.about,
        "data": left.data,
        "moment": left.moment,
        "cause": asdict(left.cause) if left.cause else None,
        "since": left.since,
    }


UNFINISHED = Kind("unfinished", _read, _write)
"""One document per kind of work and what it is about, for as long as something is left of it."""


def need(model: type[EventData], about: str) -> ById:
    """Name the document that says what is left of this kind of work about this."""
    return ById(UNFINISHED, f"{type_of(model)} {about}")


def left_of(documents: Documents, model: type[D], about: str) -> D | None:
    """Return what is left of this kind of work about this, or None."""
    left: Unfinished | None = documents.get(*need(model, about))
    return model.model_validate(left.data) if left else None


def go_on(
    documents: Documents,
    by: CloudEvent[Any],
    data: EventData,
    about: str,
    *,
    moment: datetime,
    cause: Cause,
    now: datetime,
) -> None:
    """Keep what `by` leaves undone about something, in the place of what was left of that before.

    The event that goes on with it stays the same where it was named already: whoever adds work must not hold it up.
    """
    key = need(type(data), about)
    before: Unfinished | None = documents.get(*key)
    id = before.id if before else str(uuid5(NAMESPACE, f"{by.source} {by.id} {key.id}"))
    moment = max(moment, before.moment) if before else moment
    since = before.since if before else now
    left = Unfinished(id, type_of(type(data)), about, data.model_dump(), moment, cause, since)
    documents.put(*key, left)


def taken_up(documents: Documents, event: CloudEvent[D], about: str) -> CloudEvent[D] | None:
    """Take out what is left for this event to go on with, as it is by now; None where that was done already.

    The handler does its portion, and says `go_on` again where that was not all.
    """
    model = type(event.data)
    key = need(model, about)
    left: Unfinished | None = documents.get(*key)
    if left is None or left.id != event.id:
        return None
    documents.put(*key, None)
    return event.model_copy(update={"data": model.model_validate(left.data), "time": left.moment})
