"""A participant's mailbox, with a calendar that takes what comes in as mail programs do."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from typing import Any

import icalendar


@dataclass(frozen=True)
class Entry:
    """What a calendar shows of one session."""

    starts_at: datetime | None
    ends_at: datetime | None
    place: str | None


@dataclass(frozen=True)
class Received:
    """What a mail said: a calendar entry, or its withdrawal."""

    uid: str
    method: str
    sequence: int
    entry: Entry

    @property
    def says(self) -> tuple[str, Entry | None]:
        """Return what a person makes of it; a withdrawal is one, whatever hours it repeats."""
        return self.method, self.entry if self.method == "REQUEST" else None


@dataclass
class Mailbox:
    """All mails of one address in the order in which they came, and the calendar that they lead to.

    A calendar takes a mail about a UID that it knows where its SEQUENCE is not lower (RFC 5546, section 2.1.5), and
    keeps an entry until it is withdrawn.
    """

    mails: list[Received] = field(default_factory=list)
    _sequences: dict[str, int] = field(default_factory=dict)
    _entries: dict[str, Entry] = field(default_factory=dict)

    @property
    def calendar(self) -> dict[str, Entry]:
        """Return what the calendar shows, by UID."""
        return dict(self._entries)

    def take(self, raw: bytes) -> None:
        """Take in a mail."""
        mail = received(raw)
        self.mails.append(mail)
        if mail.sequence < self._sequences.get(mail.uid, 0):
            return
        self._sequences[mail.uid] = mail.sequence
        if mail.method == "REQUEST":
            self._entries[mail.uid] = mail.entry
        else:
            self._entries.pop(mail.uid, None)

    def repeated(self) -> list[Received]:
        """Return the mails that say what the one before them about the same session said already."""
        last: dict[str, Received] = {}
        found = []
        for mail in self.mails:
            if mail.uid in last and last[mail.uid].says == mail.says:
                found.append(mail)
            last[mail.uid] = mail
        return found


def received(raw: bytes) -> Received:
    """Read a mail as a calendar does; the part's `method` and the entry's METHOD and STATUS must agree."""
    message = message_from_bytes(raw, policy=policy.default)
    part = next(part for part in message.walk() if part.get_content_type() == "text/calendar")
    calendar = icalendar.Calendar.from_ical(part.get_content())
    event: Any
    (event,) = calendar.walk("VEVENT")
    method = str(calendar["METHOD"])
    assert part.get_param("method") == method
    assert event.get("STATUS") in ({"CONFIRMED"} if method == "REQUEST" else {None, "CANCELLED"})
    entry = Entry(_at(event, "DTSTART"), _at(event, "DTEND"), event.get("LOCATION"))
    return Received(str(event["UID"]), method, int(event["SEQUENCE"]), entry)


def _at(event: Any, name: str) -> datetime | None:
    return event[name].dt if name in event else None
