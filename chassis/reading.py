"""From a delivery's bytes to a message as the committer takes it; whatever is wrong with one concerns it alone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from chassis.deciding import Received
from chassis.handling import Hears, UnknownType
from chassis.incoming import Arrived
from instroom_contracts.amqp import UNREADABLE, read, unreadable
from instroom_contracts.cloudevent import CloudEvent, InvalidEvent, Problem, data_digest, decode


def received(arrived: Arrived, queue: str, hears: Hears, now: datetime) -> Received:
    """Read a message into an event, or into what is wrong with it; what is of long after `now` is wrong."""
    properties = read(arrived.properties)
    content_type, account = properties.get("content_type"), properties.get("user_id")
    digest = data_digest(arrived.body, content_type=content_type)
    event = _event_in(arrived.body, content_type, properties.headers, hears, now)
    if lost := properties.lost:
        event = unreadable(event, lost)
    size = len(arrived.properties)
    return Received(
        hears,
        queue,
        arrived.body,
        content_type,
        properties.headers,
        event,
        digest,
        account,
        properties_bytes=size,
    )


def unread(arrived: Arrived, queue: str, hears: Hears) -> Received:
    """Take a message for the quarantine without a look into it: nobody can be answered, and no id is spent."""
    invalid = InvalidEvent(UNREADABLE, (Problem("", _NOT_LOOKED_INTO),))
    return Received(hears, queue, arrived.body, None, {}, invalid, "")


_NOT_LOOKED_INTO = (
    "Instroom fails where it reads this message, before it knows who sent it. Nothing was decided: compare how it was"
    " published with the documentation, and report it as a defect of Instroom's."
)


def _event_in(
    body: bytes, content_type: str | None, headers: dict[str, Any], hears: Hears, now: datetime
) -> CloudEvent[Any] | InvalidEvent:
    """Return the event that a message holds, or what is wrong with it."""
    try:
        return decode(body, model=hears.model, content_type=content_type, headers=headers, now=now)
    except InvalidEvent as invalid:
        return _unknown(invalid) if hears.model is UnknownType else invalid


def _unknown(invalid: InvalidEvent) -> InvalidEvent:
    """Say that nobody hears this type, instead of what else may be wrong with it."""
    detail = (
        "Nobody listens to this type under this routing key. The routing key is the event's type, one of those that"
        " docs/integrating.md lists; mend it and send the event under a new id."
    )
    return InvalidEvent(
        "unknown-type",
        (Problem(pointer="/type", detail=detail),),
        id=invalid.id,
        source=invalid.source,
        type=invalid.type,
        traceparent=invalid.traceparent,
    )
