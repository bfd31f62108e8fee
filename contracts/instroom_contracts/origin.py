"""What an event goes back to: the request on the intake that led to it, perhaps by way of others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from instroom_contracts.cloudevent import CloudEvent


@dataclass(frozen=True, slots=True)
class Origin:
    """An intake event: its id, its source, and its place in a trace (None: it is in none)."""

    id: str
    source: str
    traceparent: str | None = None


def as_origin(event: CloudEvent[Any]) -> Origin:
    """Return an intake event as what goes back to it, whatever it names: that is its sender's choice."""
    return Origin(event.id, event.source, event.traceparent)


def origin_of(event: CloudEvent[Any]) -> Origin:
    """Return the intake event that a fact, or another event of Instroom's own, goes back to.

    That is the one which it names, else itself. Not for what comes from outside, which may name anything: `as_origin`.
    """
    if event.correlationid and event.correlationsource:
        return Origin(event.correlationid, event.correlationsource, event.traceparent)
    return as_origin(event)
