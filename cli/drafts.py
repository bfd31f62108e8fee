"""An enrolment request as somebody typed it, in flags or in a row of a CSV file: names, values, and what is wrong.

A flag and a column have the same name (`--edition`, `edition`), and each stands for one place in the event.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar
from uuid import uuid4

from instroom_contracts.cloudevent import CloudEvent, EventData, decode, new_event, type_of
from instroom_contracts.intake import EnrolmentRequested
from instroom_contracts.modes import STRUCTURED
from instroom_contracts.problems import InvalidEvent

D = TypeVar("D", bound=EventData)

POINTERS: Mapping[str, str] = {
    "edition": "/data/editionId",
    "name": "/data/participant/name",
    "email": "/data/participant/email",
    "organisation": "/data/participant/organisation",
    "role": "/data/participant/role",
    "region": "/data/participant/region",
    "language": "/data/participant/language",
    "dietary-wishes": "/data/participant/dietaryWishes",
    "reference": "/data/participant/reference",
    "sessions": "/data/sessionIds",
    "all-or-nothing": "/data/allOrNothing",
    "invoice": "/data/invoice/reference",
    "time": "/time",
    "id": "/id",
    "source": "/source",
}
REQUIRED = ("edition", "name", "email", "organisation", "role")
ANSWER = "answer:"
_TRUTH = {"yes": True, "ja": True, "true": True, "1": True, "no": False, "nee": False, "false": False, "0": False}


class Misfit(Exception):
    """What was typed makes no valid request: which flag or column is wrong, and why."""

    def __init__(self, complaints: Iterable[tuple[str, str]]) -> None:
        self.complaints = tuple(complaints)
        super().__init__("\n".join(f"{name}: {detail}" for name, detail in self.complaints))


def request_from(typed: Mapping[str, str], now: datetime) -> CloudEvent[EnrolmentRequested]:
    """Make the request of what was typed, by name; an empty text counts as not typed.

    Raises `Misfit` with everything that is wrong.
    """
    event: dict[str, Any] = {"data": {}}
    for name, text in typed.items():
        if text.strip():
            _put(event, _pointer(name), _value(name, text.strip()))
    return event_of(EnrolmentRequested, event.pop("data"), event, now)


def event_of(model: type[D], data: object, attributes: Mapping[str, object], now: datetime) -> CloudEvent[D]:
    """Make an event of its data as JSON has it and the attributes that were given, as a service would read it.

    Raises `Misfit`.
    """
    event = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "type": type_of(model),
        "time": now.isoformat(),
        **attributes,
        "data": data,
    }
    try:
        valid = decode(json.dumps(event).encode(), model=model, content_type=STRUCTURED, now=now)
    except InvalidEvent as invalid:
        raise Misfit(dict.fromkeys((_name(problem.pointer), problem.detail) for problem in invalid.problems)) from None
    return new_event(valid.data, source=valid.source, id=valid.id, time=valid.time)


def _pointer(name: str) -> str:
    return f"/data/answers/{name.removeprefix(ANSWER)}" if name.startswith(ANSWER) else POINTERS[name]


def _name(pointer: str) -> str:
    """Return the flag or column that a pointer into the event belongs to; else the pointer itself."""
    fits = [name for name, start in POINTERS.items() if f"{pointer}/".startswith(f"{start}/")]
    return fits[0] if fits else pointer.removeprefix("/data/")


def _value(name: str, text: str) -> object:
    if name == "sessions":
        return [word for word in re.split(r"[;\s]+", text) if word]
    if name == "all-or-nothing":
        if text.lower() not in _TRUTH:
            raise Misfit([(name, "This must be yes or no.")])
        return _TRUTH[text.lower()]
    if name.startswith(ANSWER):
        return {"true": True, "false": False}.get(text, text)
    return text


def _put(event: dict[str, Any], pointer: str, value: object) -> None:
    *folders, last = pointer.split("/")[1:]
    for folder in folders:
        event = event.setdefault(folder, {})
    event[last] = value
