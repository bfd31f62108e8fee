"""Requests that wait for an edition which is not known yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Parked:
    """A request that waits for its edition.

    `number` is its turn among those of its edition, `event` the whole event as JSON, `until` when it is decided at the
    latest.
    """

    id: str
    edition_id: str
    number: int
    until: datetime
    event: str


@dataclass(frozen=True, slots=True)
class Parking:
    """How many requests wait for the edition with this id, and the number of the last one that came."""

    id: str
    last: int = 0
    waiting: int = 0
