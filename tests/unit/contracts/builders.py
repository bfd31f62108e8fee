"""Valid messages to change one thing in, as another system would write them: plain JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from instroom_contracts.cloudevent import STRUCTURED, CloudEvent, EventData, InvalidEvent, Problem, decode
from instroom_contracts.intake import EnrolmentRequested

WEBSITE = "urn:nld:oin:00000001823288444000:systeem:website"
NOW = datetime(2021, 5, 20, 9, 30, tzinfo=UTC)
LEFT_OUT = object()


def changed(original: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return the original with these fields replaced or left out."""
    return {name: value for name, value in {**original, **changes}.items() if value is not LEFT_OUT}


def participant(**changes: object) -> dict[str, Any]:
    """Return a participant with every required field."""
    plain = {
        "name": "Robin Jansen",
        "email": "robin.jansen@example.org",
        "organisation": "Gemeente Voorbeeld",
        "role": "projectleider",
    }
    return changed(plain, changes)


def request(**changes: object) -> dict[str, Any]:
    """Return the smallest data of an EnrolmentRequested."""
    return changed({"editionId": "voorbeeld-2021", "participant": participant()}, changes)


def envelope(**changes: object) -> dict[str, Any]:
    """Return an EnrolmentRequested in its envelope, with the required attributes only."""
    plain = {
        "specversion": "1.0",
        "id": "0d0c3f6e-8f0a-4c0e-9a55-0c8b2a9a7d11",
        "source": WEBSITE,
        "type": "nl.enrolments.enrolment-requested.v1",
        "time": "2021-05-20T09:30:00Z",
        "data": request(),
    }
    return changed(plain, changes)


def read(event: object, model: type[EventData] = EnrolmentRequested, **how: Any) -> CloudEvent[Any]:
    """Decode an event that is given as a JSON value, in structured mode."""
    body = json.dumps(event).encode()
    return decode(body, **{"model": model, "content_type": STRUCTURED, "now": NOW, **how})


def refusal(act: Callable[[], object]) -> InvalidEvent:
    """Return the refusal that this leads to."""
    with pytest.raises(InvalidEvent) as caught:
        act()
    return caught.value


def problems(event: object, model: type[EventData] = EnrolmentRequested) -> tuple[Problem, ...]:
    """Return what is wrong with an event."""
    return refusal(lambda: read(event, model)).problems


def pointers(event: object, model: type[EventData] = EnrolmentRequested) -> list[str]:
    """Return where something is wrong with an event."""
    return [problem.pointer for problem in problems(event, model)]
