"""The mails that the sink kept, read for a person: who got what, when, and what stands in the calendar.

What a mail holds is anybody's: nothing here trusts it to be well made, and whoever shows it must escape it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any

from icalendar import Calendar

ID = re.compile(r"[0-9]{8}T[0-9]{6}\.[0-9]{6}Z-[0-9]{5,}")
"""What the sink calls a mail: the moment it came, and a number."""
CALENDAR = "text/calendar"
FIELDS = {
    "summary": "title",
    "dtstart": "starts",
    "dtend": "ends",
    "location": "place",
    "conference": "link",
    "status": "status",
    "sequence": "sequence",
    "organizer": "organiser",
    "attendee": "participant",
    "uid": "UID",
    "description": "description",
}
"""The fields of a calendar entry that are shown, by their names in RFC 5545, and what a person calls them."""
UNREADABLE = "(cannot be read)"

Row = tuple[str, str]
"""A field of a calendar entry: its name and its value."""


@dataclass(frozen=True)
class Summary:
    """A mail as a list shows it."""

    id: str
    at: datetime
    to: str
    subject: str


@dataclass(frozen=True)
class Mail:
    """A mail as a person reads it; each of `entries` is an entry of a calendar."""

    summary: Summary
    sender: str
    text: str
    html: str | None
    entries: tuple[tuple[Row, ...], ...]


@dataclass(frozen=True)
class Mailbox:
    """A directory of mails."""

    directory: Path

    def newest(self, most: int, before: str | None = None) -> list[Summary]:
        """List so many mails, newest first; `before` is the id of one that all of them are older than."""
        ids = (path.stem for path in self.directory.glob("*.eml"))
        older = sorted((id for id in ids if ID.fullmatch(id) and (before is None or id < before)), reverse=True)
        return [self._summary(id) for id in older[:most]]

    def raw(self, id: str) -> bytes | None:
        """Return a mail as it came; None where there is none with this id."""
        file = self.directory / f"{id}.eml"
        return file.read_bytes() if ID.fullmatch(id) and file.is_file() else None

    def mail(self, id: str) -> Mail | None:
        """Return a mail, read; None where there is none with this id."""
        raw = self.raw(id)
        if raw is None:
            return None
        message = message_from_bytes(raw, policy=policy.default)
        parts = [part for part in message.walk() if not part.is_multipart()]
        htmls = [_content(part) for part in parts if part.get_content_type() == "text/html"]
        texts = [_content(part) for part in parts if part.get_content_type() == "text/plain"]
        calendars = dict.fromkeys(_content(part) for part in parts if part.get_content_type() == CALENDAR)
        entries = tuple(entry for calendar in calendars for entry in _entries(calendar))
        html = htmls[0] if htmls else None
        return Mail(_summary(id, message), _header(message, "From"), "\n".join(texts), html, entries)

    def _summary(self, id: str) -> Summary:
        with (self.directory / f"{id}.eml").open("rb") as file:
            return _summary(id, BytesHeaderParser(policy=policy.default).parse(file))


def _summary(id: str, message: EmailMessage) -> Summary:
    at = datetime.strptime(id.partition("-")[0], "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC)
    return Summary(id, at, _header(message, "Delivered-To"), _header(message, "Subject"))


def _header(message: EmailMessage, name: str) -> str:
    try:
        return ", ".join(str(value) for value in message.get_all(name, []))
    except Exception:  # noqa: BLE001  what a sender makes up may break the parser in any way
        return UNREADABLE


def _content(part: Any) -> str:
    try:
        return str(part.get_content())
    except Exception:  # noqa: BLE001  an unknown charset, or whatever else
        return (part.get_payload(decode=True) or b"").decode(errors="replace")


def _entries(text: str) -> Iterator[tuple[Row, ...]]:
    """Read the entries of a calendar; one that cannot be read is shown as it stands."""
    try:
        calendar = Calendar.from_ical(text)
        yield from [_rows(calendar, event) for event in calendar.walk("VEVENT")]
    except Exception:  # noqa: BLE001  what a sender makes up may break the parser in any way
        yield ((UNREADABLE, text),)


def _rows(calendar: Any, event: Any) -> tuple[Row, ...]:
    fields = [("method", calendar.get("method")), *((name, event.get(field)) for field, name in FIELDS.items())]
    return tuple((name, _plain(value)) for name, value in fields if value is not None)


def _plain(value: Any) -> str:
    """Return a value as a person reads it: a moment with its time zone, several values with commas between."""
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    moment = getattr(value, "dt", None)
    if isinstance(moment, datetime):
        return f"{moment:%Y-%m-%d %H:%M} {moment.tzinfo or ''}".strip()
    return str(moment) if isinstance(moment, date) else str(value).removeprefix("mailto:")
