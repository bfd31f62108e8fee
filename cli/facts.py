"""A fact as the commands read it: leniently, since types may come that this version does not know."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cli.terminal import shown


@dataclass(frozen=True)
class Fact:
    """An event from the bus: `attributes` without its data, and `data` as it came."""

    attributes: Mapping[str, Any]
    data: Mapping[str, Any]

    @classmethod
    def read(cls, body: bytes) -> Fact | None:
        """Read a message in structured mode; None where it is no event."""
        try:
            event = json.loads(body)
        except (ValueError, RecursionError):
            return None
        if not isinstance(event, dict) or not isinstance(event.get("data"), dict):
            return None
        return cls({name: value for name, value in event.items() if name != "data"}, event["data"])

    def text(self, attribute: str) -> str:
        """Return an attribute as text; empty where it is missing."""
        return str(self.attributes.get(attribute) or "")

    @property
    def id(self) -> str:
        """Return the event's id."""
        return self.text("id")

    @property
    def kind(self) -> str:
        """Return the type in short, e.g. `session-full.v1`."""
        return short_type(self.text("type"))

    @property
    def name(self) -> str:
        """Return the type's name alone, e.g. `session-full`."""
        return self.kind.partition(".")[0]

    @property
    def edition(self) -> str:
        """Return the id of the edition that it is about, where it names one."""
        return str(self.data.get("editionId") or self.attributes.get("partitionkey") or "")

    @property
    def about(self) -> str:
        """Return the edition that it is about, or the session of it where it names one."""
        session = self.data.get("sessionId")
        return f"{self.edition}/{session}" if session else self.edition

    @property
    def provider(self) -> str:
        """Return whose edition it is about, where it says so; facts from before 0.2.0 do not, but for the edition."""
        return self.text("provider") or str(self.data.get("provider") or "")

    @property
    def event(self) -> dict[str, Any]:
        """Return the whole event, as it travelled."""
        return {**self.attributes, "data": self.data}

    @property
    def digest(self) -> str:
        """Return a digest of everything it says, to tell a repetition from another fact under the same id."""
        return hashlib.sha256(json.dumps(self.event, sort_keys=True).encode()).hexdigest()


def short_type(type: str) -> str:
    """Return a type without the part that all share."""
    return type.removeprefix("nl.enrolments.")


def line(fact: Fact) -> str:
    """Say a fact in one line: when, what, about which edition and session, and what it comes to."""
    return "  ".join(part for part in (_when(fact.text("time")), f"{fact.name:<20}", fact.about, saying(fact)) if part)


def saying(fact: Fact) -> str:
    """Say what a fact comes to, without its time, type and edition."""
    return _SAYINGS.get(fact.name, _say_what_is_there)(fact.data)


def _when(time: str) -> str:
    try:
        return shown(datetime.fromisoformat(time))
    except ValueError:
        return time


def _places(data: Mapping[str, Any]) -> str:
    """Say the places of an answer."""
    return ", ".join(_place(place) for place in data.get("places", ()))


def _place(place: Mapping[str, Any]) -> str:
    position = f" at {place['position']}" if place.get("position") else ""
    return f"{place.get('sessionId')} {place.get('state')}{position}"


def _decided(data: Mapping[str, Any]) -> str:
    companions = "".join(f"; companion {one.get('enrolmentId')}: {_places(one)}" for one in data.get("companions", ()))
    return f"{data.get('enrolmentId')}: {_places(data)}{companions}"


def _published(data: Mapping[str, Any]) -> str:
    return f"version {data.get('version')}, {data.get('state')}, {len(data.get('sessions', ()))} sessions"


def _cancelled(data: Mapping[str, Any]) -> str:
    return f"{data.get('enrolmentId')} by {data.get('cause')}: {', '.join(data.get('sessionIds', ()))}"


def _refused(data: Mapping[str, Any]) -> str:
    errors = "".join(f"; {error.get('pointer')}: {error.get('detail')}" for error in data.get("errors", ()))
    return f"{data.get('reason')}: {data.get('detail')}{errors}"


def _changed(data: Mapping[str, Any]) -> str:
    return f"{data.get('enrolmentId')} by {data.get('cause')}, enrolment {data.get('enrolmentState')}{_version(data)}"


def _seats(data: Mapping[str, Any]) -> str:
    return f"{data.get('confirmed')} of {data.get('capacity')} confirmed, {data.get('queued')} queued{_version(data)}"


def _mailed(data: Mapping[str, Any]) -> str:
    trouble = f", {data['reason']} after {data.get('attempts')} attempts" if "reason" in data else ""
    what = f" {data['method']} {data.get('sequence')}" if "method" in data else ""
    return f"{data.get('enrolmentId')}{what}{trouble}"


def _version(data: Mapping[str, Any]) -> str:
    return f" (v{data['sessionVersion']})" if "sessionVersion" in data else ""


def _say_what_is_there(data: Mapping[str, Any]) -> str:
    plain = {name: value for name, value in data.items() if isinstance(value, str | int | bool)}
    return " ".join(f"{name}={value}" for name, value in plain.items() if name not in {"editionId", "sessionId"})


_SAYINGS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "edition-published": _published,
    "enrolment-confirmed": _decided,
    "enrolment-queued": _decided,
    "enrolment-rejected": _refused,
    "request-refused": _refused,
    "enrolment-cancelled": _cancelled,
    "place-confirmed": _changed,
    "place-released": _changed,
    "session-full": _seats,
    "session-reopened": _seats,
    "invite-sent": _mailed,
    "invite-failed": _mailed,
    "groups-formed": lambda data: f"{len(data.get('groups', ()))} groups",
}


@dataclass(frozen=True)
class Selection:
    """Which facts somebody asked for: of these types (in full, short, or by name alone), editions, causes and so on.

    `since` and `until` bound the time at which a fact came about: the first belongs to it, the second does not.
    """

    types: frozenset[str]
    editions: frozenset[str]
    correlations: frozenset[str]
    providers: frozenset[str] = frozenset()
    owners: frozenset[str] = frozenset()
    since: datetime | None = None
    until: datetime | None = None

    @classmethod
    def of(
        cls,
        types: Iterable[str],
        editions: Iterable[str],
        correlations: Iterable[str],
        providers: Iterable[str] = (),
        owners: Iterable[str] = (),
    ) -> Selection:
        """Make a selection from what was typed; `SessionFull`, `session-full` and the whole type mean the same."""
        return cls(
            frozenset(map(_kebab, types)),
            frozenset(editions),
            frozenset(correlations),
            frozenset(providers),
            frozenset(owners),
        )

    def takes(self, fact: Fact) -> bool:
        """Say whether a fact was asked for; what is empty restricts nothing."""
        return (
            (not self.types or not self.types.isdisjoint({fact.kind, fact.name}))
            and (not self.editions or fact.edition in self.editions)
            and (not self.correlations or fact.text("correlationid") in self.correlations)
            and (not self.providers or fact.provider in self.providers)
            and (not self.owners or fact.text("ownersource") in self.owners)
            and self._in_time(fact)
        )

    def _in_time(self, fact: Fact) -> bool:
        """Judge a fact by its own time; one without a time, or without an offset, is not ours to judge."""
        try:
            time = datetime.fromisoformat(fact.text("time"))
            return (not self.since or self.since <= time) and (not self.until or time < self.until)
        except (ValueError, TypeError):
            return True


def _kebab(type: str) -> str:
    name = short_type(type)
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")
