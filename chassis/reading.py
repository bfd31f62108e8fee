"""From a delivery's bytes to a message as the committer takes it; whatever is wrong with one concerns it alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from chassis.deciding import Received
from chassis.handling import Hears, UnknownType
from chassis.incoming import Arrived
from chassis.properties import MARK, MOST_NESTED, NAMES, Properties, read
from instroom_contracts.cloudevent import CloudEvent, InvalidEvent, Problem, data_digest, decode

UNREADABLE = "unreadable-properties"


def received(arrived: Arrived, queue: str, hears: Hears, now: datetime) -> Received:
    """Read a message into an event, or into what is wrong with it; what is of long after `now` is wrong."""
    properties = read(arrived.properties)
    content_type, account = properties.values.get("content_type"), properties.values.get("user_id")
    headers = properties.values.get("headers", {})
    digest = data_digest(arrived.body, content_type=content_type)
    event = _event_in(arrived.body, content_type, headers, hears, now)
    if lost := lost_of(properties, headers):
        event = unreadable(event, lost)
    size = len(arrived.properties)
    return Received(hears, queue, arrived.body, content_type, headers, event, digest, account, properties_bytes=size)


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


def lost_of(properties: Properties, headers: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the properties that could not be read, now or where they were taken out (`MARK`), as in a backup."""
    if MARK not in headers:
        return properties.unreadable
    marked = str(headers[MARK]).split(",")  # its sender may have written it: nothing unknown is repeated
    return tuple(name for name in NAMES if name in marked or name in properties.unreadable) or ("headers",)


def unreadable(event: CloudEvent[Any] | InvalidEvent, names: Iterable[str]) -> InvalidEvent:
    """Say that a message's properties cannot be read, whatever the rest of it says."""
    detail = (
        f"The message's AMQP properties cannot be read: {', '.join(names)}. A timestamp counts seconds since 1970"
        " (milliseconds are taken, too), texts and names of headers are UTF-8, delivery_mode is 1 or 2, and headers are"
        f" nested at most {MOST_NESTED} deep. Mend that and send the event under a new id."
    )
    return InvalidEvent(
        UNREADABLE,
        (Problem("", detail),),
        id=event.id,
        source=event.source,
        type=event.type,
        traceparent=event.traceparent,
    )


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
