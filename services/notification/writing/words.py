"""The words of one language: dates, labels and forms, read from `templates/<language>/words.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

TEMPLATES = Path(__file__).parent / "templates"
AMSTERDAM = ZoneInfo("Europe/Amsterdam")
DEFAULT_LANGUAGE = "nl"


@dataclass(frozen=True)
class Words:
    """The words of one language."""

    language: str
    dates: Mapping[str, Any]
    labels: Mapping[str, str]
    forms: Mapping[str, str]

    def day(self, at: datetime | None) -> str:
        """Say a day in Amsterdam in words: "dinsdag 8 juni 2021"; that it follows, where there is none yet."""
        return self._day(at.astimezone(AMSTERDAM).date()) if at else str(self.dates["unknown"])

    def period(self, start: datetime | None, end: datetime | None, hours: str | None = None) -> str:
        """Say when a session is: "dinsdag 8 juni 2021, 13.00 - 16.30 uur".

        `hours` ("17:00-22:00") are those of a session that has no date yet.
        """
        if start is None or end is None:
            return ", ".join(filter(None, [self.day(None), self._hours(hours)]))
        first, last = start.astimezone(AMSTERDAM), end.astimezone(AMSTERDAM)
        clocks = {"start": self._clock(f"{first:%H:%M}"), "end": self._clock(f"{last:%H:%M}")}
        if first.date() == last.date():
            return f"{self.day(first)}, {self.dates['hours'].format(**clocks)}"
        return str(self.dates["several_days"].format(first=self.day(first), last=self.day(last), **clocks))

    def _day(self, day: date) -> str:
        return f"{self.dates['weekdays'][day.weekday()]} {day.day} {self.dates['months'][day.month - 1]} {day.year}"

    def _hours(self, hours: str | None) -> str | None:
        if hours is None:
            return None
        start, end = (self._clock(hour) for hour in hours.split("-"))
        return str(self.dates["hours"].format(start=start, end=end))

    def _clock(self, hour: str) -> str:
        """Write an hour ("17:00") as this language does."""
        return hour.replace(":", str(self.dates["colon"]))


def words_of(language: str | None) -> Words:
    """Return the words of a language ("nl", "en-GB"); Dutch for one that there are no words for."""
    short = (language or DEFAULT_LANGUAGE).lower().partition("-")[0]
    return _words(short if short in languages() else DEFAULT_LANGUAGE)


@cache
def _words(known: str) -> Words:
    """Read the words of a language that there are words for; others are no keys here, since anybody can make them."""
    return Words(known, **tomllib.loads((TEMPLATES / known / "words.toml").read_text(encoding="utf-8")))


@cache
def languages() -> frozenset[str]:
    """Return the languages that mails can be written in."""
    return frozenset(path.parent.name for path in TEMPLATES.glob("*/words.toml"))
