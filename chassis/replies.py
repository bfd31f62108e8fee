"""Replies: answers to requests, kept with the requests' records, so that they can be told again as they were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chassis.documents import Document, Kind

Replies = Mapping[str, Sequence[bytes]]
"""The bodies of the facts that answer requests, by the request's key ("source id"), in the order of telling."""


@dataclass(frozen=True)
class Decided:
    """What is known of a message that was taken in: the facts that answer it, as they travelled.

    `under_way`: it is being decided at this moment, and told by that. One without any waits still, or was decided
    before replies were kept.
    """

    replies: tuple[bytes, ...] = ()
    under_way: bool = False


def _read(record: Document) -> Decided:
    return Decided(tuple(record.get("answer", ())))


def _write(_: Decided) -> Document:
    raise NotImplementedError("the committer writes the inbox")


DECIDED = Kind("inbox", _read, _write, personal=(), written_elsewhere=True)
"""The inbox as a handler sees it, by key; also what was decided a moment ago and is not written yet."""

UNDER_WAY = Decided(under_way=True)
