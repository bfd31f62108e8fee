"""The facts that a subscriber under test is told: samples of the contract, about an edition that there is not."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import uuid4

from instroom_checking.answering import EDITION
from instroom_checking.publishing import matches
from instroom_contracts import topology
from instroom_contracts.cloudevent import STRUCTURED, Wire
from instroom_contracts.schemas import sample

FACTS = tuple(type for type, listed in topology.TYPES.items() if listed.exchange == topology.EVENTS)
UNKNOWN = "nl.enrolments.made-up-by-a-check.v1"
VERSIONS = ("sessionVersion", "version")
IDS = ("enrolmentId", "inviteId", "messageId")
FIRST_VERSION = 1000


@dataclass(frozen=True)
class Told:
    """A fact as it travels, and the message's id by which it is found again."""

    id: str
    wire: Wire


class Teller:
    """Makes facts of the types that a subscriber listens to."""

    def __init__(
        self, patterns: Sequence[str], edition: str = EDITION, attributes: Mapping[str, str] | None = None
    ) -> None:
        self.types = tuple(type for type in FACTS if any(matches(pattern, type) for pattern in patterns))
        self.hears_unknown = any(matches(pattern, UNKNOWN) for pattern in patterns)
        self._attributes = attributes or {}
        self._edition = self._attributes.get("partitionkey", edition)
        self._numbers = count(FIRST_VERSION)

    @property
    def favourite(self) -> str:
        """Return the type whose facts show most: of a session, whose versions say which one is the newest."""
        versioned = (type for type in self.types if set(VERSIONS) & set(_sample(type)["data"]))
        return next(versioned, self.types[0])

    def new(self, type: str) -> Told:
        """Make a fact that was never told, newer than all before it."""
        number = next(self._numbers)
        event = _sample(type)
        data = event["data"]
        data |= {name: number for name in (*VERSIONS, "queued") if name in data}
        data |= {name: str(uuid4()) for name in IDS if name in data}
        return self._told(event)

    def older(self, type: str) -> Told:
        """Make a fact that was never told, of before all others: what reaches a reader late."""
        event = _sample(type)
        event["data"] |= {name: 1 for name in VERSIONS if name in event["data"]}
        return self._told(event)

    def extended(self, type: str) -> Told:
        """Make a fact with a field, an attribute and a code that there are not yet."""
        event = _sample(type) | {"madeupattribute": "of a check"}
        data = event["data"]
        data |= {"madeUpField": {"of": "a check"}} | {name: "made-up" for name in ("reason", "cause") if name in data}
        data |= {name: next(self._numbers) for name in VERSIONS if name in data}
        return self._told(event)

    def unknown(self) -> Told:
        """Make a fact of a type that there is not yet."""
        event = _sample(self.favourite) | {"type": UNKNOWN, "data": {"editionId": self._edition, "madeUpField": 1}}
        event.pop("dataschema", None)
        return self._told(event)

    def poison(self, type: str) -> Told:
        """Make a message that is no event at all."""
        id = str(uuid4())
        return Told(id, _wire(id, type, b'{"specversion": "1.0", "id": ', self._headers(self._attributes)))

    def has_versions(self, type: str) -> bool:
        """Tell whether facts of a type say which of them is newer."""
        return bool(set(VERSIONS) & set(_sample(type)["data"]))

    def _told(self, event: dict[str, Any]) -> Told:
        id = str(uuid4())
        event |= {"id": id, "time": datetime.now(UTC).isoformat().replace("+00:00", "Z")}
        if "editionId" in event["data"]:
            event["data"]["editionId"] = event["partitionkey"] = event["subject"] = self._edition
        event |= self._attributes
        headers = self._headers({name: value for name, value in event.items() if name != "data"})
        return Told(id, _wire(id, event["type"], json.dumps(event).encode(), headers))

    @staticmethod
    def _headers(attributes: Mapping[str, object]) -> dict[str, str]:
        return {f"ce-{name}": str(value) for name, value in attributes.items()}


def _wire(id: str, type: str, body: bytes, headers: Mapping[str, str]) -> Wire:
    return Wire(body, STRUCTURED, type, id, type, None, "instroom-check", datetime.now(UTC), dict(headers))


def _sample(type: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(sample(type))
    return event
