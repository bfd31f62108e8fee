"""Answers that are kept with the requests' records, so that they can be told again as they were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chassis.documents import Document, Kind
from instroom_contracts.cloudevent import CloudEvent, EventData, InvalidEvent, Problem, body_of, type_of

Answers = Mapping[str, Sequence[bytes]]
"""The bodies of the facts that answer requests, by the request's key ("source id"), in the order of telling."""


@dataclass(frozen=True)
class Decided:
    """What is known of a message that was taken in: the facts that answer it, as they travelled.

    `under_way`: it is being decided at this moment, and told by that. One without an answer waits still, or was decided
    before answers were kept.
    """

    answer: tuple[bytes, ...] = ()
    under_way: bool = False


def _read(record: Document) -> Decided:
    return Decided(tuple(record.get("answer", ())))


def _write(_: Decided) -> Document:
    raise NotImplementedError("the committer writes the inbox")


DECIDED = Kind("inbox", _read, _write, written_elsewhere=True)
"""The inbox as a handler sees it, by key; also what was decided a moment ago and is not written yet."""

UNDER_WAY = Decided(under_way=True)

ENVELOPE_BYTES = 4 * 1024
"""More than the attributes of an event of ours take."""

_TOO_LARGE = (
    "The answer to this would take more than the 64 KiB that a message holds, so nothing was decided. Ask for fewer"
    " sessions or companions at once, under a new id."
)


def too_large(event: CloudEvent[Any]) -> InvalidEvent:
    """Return a message as one to be refused since its answer fits into no message."""
    problems = (Problem("/data", _TOO_LARGE),)
    return InvalidEvent(
        "answer-too-large",
        problems,
        id=event.id,
        source=event.source,
        type=event.type,
        traceparent=event.traceparent,
    )


def ensure_room(data: EventData) -> None:
    """Raise `TooLarge` where an event with this data may be more than a message holds."""
    body_of({"id": "." * ENVELOPE_BYTES, "type": type_of(type(data))}, data)
