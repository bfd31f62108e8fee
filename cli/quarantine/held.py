"""A message in quarantine: reading it as an event, mending it, and making the message that is sent again."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from cli.databases import Service
from cli.trouble import Trouble
from instroom_contracts import topology
from instroom_contracts.cloudevent import Wire, decode, encode
from instroom_contracts.modes import STRUCTURED, attributes_in, is_structured
from instroom_contracts.problems import InvalidEvent

NAMESPACE = uuid.UUID("8f4f2b0e-6f0f-4b7e-9a3e-5d1c9b6a7e20")
HELD, REPLAYED, DROPPED = "held", "replayed", "dropped"
UNDECIDED = {"failed", "foreign-source", "echo"}
"""The reasons of messages that were never decided, so that their ids are not spent."""


@dataclass(frozen=True)
class Held:
    """A message in the quarantine of one service, as the service stored it."""

    service: Service
    document: Mapping[str, Any]

    @property
    def id(self) -> str:
        """Return the id under which it is kept: not the event's."""
        return str(self.document["_id"])

    @property
    def reason(self) -> str:
        """Return the code that says why it is held."""
        return str(self.document["reason"])

    @property
    def state(self) -> str:
        """Return what became of it: `held`, `replayed` or `dropped`."""
        return str(self.document["state"])

    @property
    def body(self) -> bytes:
        """Return the message's body, or the head of it where it was too long to be kept."""
        return bytes(self.document["body"])

    @property
    def headers(self) -> dict[str, str]:
        """Return the message's headers; a service of before 0.3.0 stores them by name."""
        stored = self.document.get("headers") or []
        return dict(stored) if isinstance(stored, Mapping) else {header["name"]: header["value"] for header in stored}

    def summary(self) -> dict[str, Any]:
        """Return what a list may show: no content, since that may be personal data."""
        at: datetime = self.document["at"]
        names = ("reason", "state", "queue", "type", "source", "eventId", "times", "length")
        return {"id": self.id, "service": self.service, "at": at, **{name: self.document.get(name) for name in names}}

    def event(self) -> dict[str, Any]:
        """Return the message as an event in structured mode; raises `Trouble` where it cannot be read as JSON."""
        if not self.document.get("whole", True):
            raise Trouble(f"Only the head of message {self.id} was kept: give the whole event with --edit FILE.")
        try:
            content = json.loads(self.body)
        except (ValueError, RecursionError):
            raise Trouble(f"Message {self.id} is no JSON: give the mended event with --edit FILE.") from None
        content_type = self.document.get("contentType")
        if not is_structured(content_type):
            content = {**attributes_in(self.headers, content_type), "data": content}
        if not isinstance(content, dict):
            raise Trouble(f"Message {self.id} is no JSON object: give the mended event with --edit FILE.")
        return content


def with_settings(event: dict[str, Any], settings: Iterable[str]) -> dict[str, Any]:
    """Return an event with values put in by `POINTER=VALUE`; a value that reads as JSON is taken as JSON."""
    mended: dict[str, Any] = json.loads(json.dumps(event))
    for setting in settings:
        pointer, separator, text = setting.partition("=")
        if not separator or not pointer.startswith("/"):
            raise Trouble(f"--set '{setting}' is not of the form /pointer/to/field=VALUE.")
        path = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
        _put(mended, path, _value(text), pointer)
    return mended


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _put(event: dict[str, Any], path: list[str], value: Any, pointer: str) -> None:
    """Put a value where a JSON Pointer (RFC 6901) says; objects on the way are made, lists must have the index."""
    inside: Any = event
    for part, following in zip(path, [*path[1:], None], strict=True):
        try:
            key: Any = int(part) if isinstance(inside, list) else part
            if following is None:
                inside[key] = value
            else:
                inside = inside.setdefault(key, {}) if isinstance(inside, dict) else inside[key]
        except (ValueError, IndexError, TypeError):
            raise Trouble(f"--set {pointer}: there is no such place in the message.") from None


@dataclass(frozen=True)
class Replay:
    """A message to send again: the exchange that it goes to, and the id that it travels under."""

    exchange: str
    wire: Wire

    @property
    def id(self) -> str:
        """Return the event's id."""
        return self.wire.message_id


def replay_of(held: Held, mended: dict[str, Any] | None, now: datetime) -> Replay:
    """Make the message that is sent again.

    A new id replaces the spent one and `replayof` records it; the same mending gives the same new id, so that it can be
    repeated safely. A message that was never decided and is not mended keeps its id. `replayedat` tells replays apart:
    should one fail too, it is held as a message of its own. Raises `Trouble` where the message is still no valid event,
    is a fact, or was sent by nobody.
    """
    if not held.document.get("queue", True):
        raise Trouble(
            f"Message {held.id} is the service's own work, which nobody sent: it tries that again by itself, up to"
            " every few minutes, until it succeeds. Drop the message when the defect is mended."
        )
    event = {**(mended or held.event()), "replayedat": now.isoformat()}
    if mended or held.reason not in UNDECIDED:
        digest = hashlib.sha256(json.dumps(event.get("data"), sort_keys=True).encode()).hexdigest()
        spent = held.document.get("eventId") or held.id
        event = {**event, "id": str(uuid.uuid5(NAMESPACE, f"{held.service} {held.id} {digest}")), "replayof": spent}
    type = event.get("type")
    listed = topology.TYPES.get(type) if isinstance(type, str) else None
    if listed is None:
        raise Trouble(f"Message {held.id} has no type that Instroom knows: mend /type.")
    if listed.exchange == topology.EVENTS:
        raise Trouble(
            f"Message {held.id} is a fact: `instroom catalog republish` has those of the catalogue told again."
        )
    body = json.dumps(event, ensure_ascii=False).encode()
    try:
        valid = decode(body, model=listed.model, content_type=STRUCTURED, now=now)
    except InvalidEvent as invalid:
        problems = "\n".join(f"  {problem.pointer}: {problem.detail}" for problem in invalid.problems)
        raise Trouble(f"Message {held.id} is still no valid event; nothing was sent.\n{problems}") from None
    return Replay(listed.exchange, replace(encode(valid), body=body))  # as it came: its data keeps its digest
