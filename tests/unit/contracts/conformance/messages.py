"""What the tests of the rules look at: every event of the contract as it is sent, and requests to change."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from instroom_contracts.cloudevent import STRUCTURED, CloudEvent, Wire, decode, encode, new_event
from instroom_contracts.enrolment import EnrolmentRejected
from instroom_contracts.schemas import sample
from instroom_contracts.topology import TYPES
from tests.unit.contracts.builders import envelope, problems, read

SERVICE = "urn:nld:oin:00000001823288444000:systeem:instroom-enrolment"


def event_of(type: str) -> CloudEvent[Any]:
    """Return the sample of a type as an event."""
    return decode(sample(type), model=TYPES[type].model, content_type=STRUCTURED)


SENT: dict[str, Wire] = {type: encode(event_of(type)) for type in TYPES}
"""Every event of the contract as `encode` sends it, by type."""

BODIES: dict[str, dict[str, Any]] = {type: json.loads(wire.body) for type, wire in SENT.items()}
"""The same as JSON values."""

ATTRIBUTES = {type: {name: body[name] for name in body if name != "data"} for type, body in BODIES.items()}
"""The attributes of each."""


def fact(**attributes: Any) -> Wire:
    """Return a fact as it is sent, with these attributes."""
    data = EnrolmentRejected(edition_id="voorbeeld-2021", reason="queue-full", detail="Vol.")
    time = datetime(2021, 5, 20, 9, 30, tzinfo=UTC)
    return encode(new_event(data, **{"source": SERVICE, "id": "fact-1", "time": time, **attributes}))


def taken(**attributes: Any) -> Any:
    """Read a request with these attributes changed."""
    return read(envelope(**attributes))


def refused(**attributes: Any) -> list[str]:
    """Return where a request with these attributes changed is wrong."""
    return [problem.pointer for problem in problems(envelope(**attributes))]
