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


def origin_of(event: CloudEvent[Any]) -> Origin:
    """Return the intake event that an event goes back to: the one that it names, else itself."""
    if event.correlationid and event.correlationsource:
        return Origin(event.correlationid, event.correlationsource, event.traceparent)
    return Origin(event.id, event.source, event.traceparent)
