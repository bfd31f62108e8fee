"""What falls due: events that a service has handled by itself, each a document, kept with the decision behind it.

A handler has something done later (`plan`), or is not through with what an event asks for and keeps what is left
(`go_on`): then it is due at once. A task of the service (`schedule.py`) has what is due handled, one after the other,
each decided and committed like a message, with others' messages in between. What is planned stands in the database and
nowhere else, so a process that dies leaves it to the next one, and what was due while none ran happens once, later. The
handler judges things as they are when its turn comes, not as they were when it was planned
(docs/decisions/0019-portions.md, 0027-schedule.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID, uuid5

from cattrs import override

from chassis.codec import kept_in
from chassis.documents import ById, Document, Documents
from instroom_contracts.cloudevent import CloudEvent, EventData, type_of
from instroom_contracts.origin import Origin

D = TypeVar("D", bound=EventData)

NAMESPACE = UUID("0b0c7b1e-7d0f-4f53-9a1e-5f6f3d2c8a47")


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be done about one thing, and when.

    `event` is the id of the one that does it, `type` and `data` say what that asks for, `at` is when it falls due.
    `moment` is the time that it is judged at, `origin` the intake event that it goes back to (None: none but itself).
    """

    event: str
    type: str
    about: str
    data: Document
    at: datetime
    moment: datetime
    origin: Origin | None


DUE = kept_in("due", Due, personal=(), overrides={"origin": override(rename="cause")})
"""One document per kind of work and what it is about, until it is done; it names things by ids alone."""


def need(model: type[EventData], about: str) -> ById:
    """Name the document that says what is to be done of this kind about this."""
    return ById(DUE, f"{type_of(model)} {about}")


def left_of(documents: Documents, model: type[D], about: str) -> D | None:
    """Return what is to be done of this kind about this, or None."""
    due: Due | None = documents.get(*need(model, about))
    return model.model_validate(due.data) if due else None


def plan(documents: Documents, by: CloudEvent[Any], data: EventData, about: str, at: datetime) -> None:
    """Have this handled at that time, as of then, in the place of what was planned of its kind about the same."""
    key = need(type(data), about)
    documents.get(*key)
    documents.put(*key, Due(_id(by, key), type_of(type(data)), about, data.model_dump(), at, at, None))


def go_on(
    documents: Documents,
    by: CloudEvent[Any],
    data: EventData,
    about: str,
    *,
    moment: datetime,
    origin: Origin,
    now: datetime,
) -> None:
    """Keep what `by` leaves undone about something, behind what is due already.

    Where something was left of it before, this takes its place and its turn, and the event that goes on with it stays
    the same: whoever adds work must not hold it up.
    """
    key = need(type(data), about)
    before: Due | None = documents.get(*key)
    id, at = (before.event, before.at) if before else (_id(by, key), now)
    moment = max(moment, before.moment) if before else moment
    documents.put(*key, Due(id, type_of(type(data)), about, data.model_dump(), at, moment, origin))


def _id(by: CloudEvent[Any], key: ById) -> str:
    """Name what is planned by who plans it: the same whenever that is decided, and another the next time."""
    return str(uuid5(NAMESPACE, f"{by.source} {by.id} {key.id}"))


def taken_up(documents: Documents, event: CloudEvent[D], about: str) -> CloudEvent[D] | None:
    """Take out what this event is to do, as it is by now; None where that was done already, or planned anew.

    The handler does its portion, and says `go_on` again where that was not all.
    """
    model = type(event.data)
    key = need(model, about)
    due: Due | None = documents.get(*key)
    if due is None or due.event != event.id:
        return None
    documents.put(*key, None)
    return event.model_copy(update={"data": model.model_validate(due.data), "time": due.moment})
