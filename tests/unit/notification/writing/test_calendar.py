"""Calendar entries, read again by a library that others use too."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import icalendar
import pytest

from services.notification.domain.daily import AMSTERDAM
from services.notification.writing.calendar import Entry, Party, calendar_of

STAMP = datetime(2021, 3, 1, 9, 0, tzinfo=UTC)
SPRING = datetime(2021, 3, 28, 11, 0, tzinfo=UTC)
ENTRY = Entry(
    uid="enrolment-1.week.proces@mail.example.org",
    method="REQUEST",
    sequence=0,
    called_off=False,
    starts_at=SPRING,
    ends_at=SPRING + timedelta(hours=2),
    title="Participatie, een proces; deel 1",
    description="Met: Gézieta van den Belt\nMeenemen: laptop",
    place="https://meet.example.org/a",
    link="https://meet.example.org/a",
    language="nl",
    organiser=Party("VNG Connect", "week@vng-connect.example.org"),
    participant=Party('Robin "R" Jansen', "robin.jansen@example.org"),
)


def read(**changes: Any) -> tuple[Any, Any]:
    """Return an entry's calendar and event, parsed again."""
    calendar = icalendar.Calendar.from_ical(calendar_of(replace(ENTRY, **changes), STAMP))
    (event,) = calendar.walk("VEVENT")
    return calendar, event


@pytest.mark.parametrize(
    ("at", "local", "offset"),
    [
        (datetime(2021, 3, 27, 12, 0, tzinfo=UTC), "20210327T130000", 1),
        (datetime(2021, 3, 28, 11, 0, tzinfo=UTC), "20210328T130000", 2),
        (datetime(2021, 10, 30, 11, 0, tzinfo=UTC), "20211030T130000", 2),
        (datetime(2021, 10, 31, 12, 0, tzinfo=UTC), "20211031T130000", 1),
    ],
)
def test_hours_are_local_on_both_sides_of_the_clock_change(at: datetime, local: str, offset: int) -> None:
    """One o'clock is one o'clock, in winter and in summer."""
    start = read(starts_at=at)[1]["DTSTART"]
    assert start.to_ical().decode() == local
    assert start.params["TZID"] == "Europe/Amsterdam"
    assert start.dt == at
    assert start.dt.utcoffset() == timedelta(hours=offset)


@pytest.mark.parametrize("month", [3, 10])
@pytest.mark.parametrize("day", [26, 27, 28, 30, 31])
def test_the_time_zone_is_described_for_programs_that_do_not_know_it(month: int, day: int) -> None:
    """The description must give the same offsets as the world's time zone database."""
    (zone,) = read()[0].walk("VTIMEZONE")
    described, at = zone.to_tz(), datetime(2021, month, day, tzinfo=UTC)
    assert at.astimezone(described).utcoffset() == at.astimezone(AMSTERDAM).utcoffset()


def test_an_invitation_says_what_a_calendar_needs() -> None:
    """RFC 5545 and 5546."""
    calendar, event = read()
    assert calendar["METHOD"] == "REQUEST"
    assert (event["UID"], event["SEQUENCE"], event["DTSTAMP"].dt) == (ENTRY.uid, 0, STAMP)
    assert event["SUMMARY"] == ENTRY.title
    assert event["DESCRIPTION"] == ENTRY.description
    assert event["STATUS"] == "CONFIRMED"
    assert event["ORGANIZER"] == "mailto:week@vng-connect.example.org"
    assert event["ATTENDEE"] == "mailto:robin.jansen@example.org"
    assert event["ATTENDEE"].params["CN"] == ENTRY.participant.name


def test_the_link_stands_where_programs_look_for_it() -> None:
    """CONFERENCE for new ones (RFC 7986), LOCATION for all."""
    event = read()[1]
    assert event["CONFERENCE"] == ENTRY.link
    assert event["CONFERENCE"].params["VALUE"] == "URI"
    assert event["LOCATION"] == ENTRY.link


def test_withdrawing_one_person_leaves_the_status_out() -> None:
    """The session takes place, only not for this participant."""
    calendar, event = read(method="CANCEL", sequence=1)
    assert calendar["METHOD"] == "CANCEL"
    assert event["SEQUENCE"] == 1
    assert "STATUS" not in event
    assert event["UID"] == ENTRY.uid


def test_a_session_that_is_called_off_is_cancelled() -> None:
    """For everybody."""
    assert read(method="CANCEL", sequence=1, called_off=True)[1]["STATUS"] == "CANCELLED"


def test_a_withdrawal_gives_no_link_away() -> None:
    """Who is no longer enrolled has no use for it."""
    assert b"meet.example.org" not in calendar_of(replace(ENTRY, method="CANCEL", link=None, place=None), STAMP)


def test_a_withdrawal_of_what_has_no_date_is_possible() -> None:
    """The date may have been taken back."""
    assert "DTSTART" not in read(method="CANCEL", starts_at=None, ends_at=None)[1]


def test_names_cannot_add_properties() -> None:
    """A line break in a name stays part of the name."""
    calendar, event = read(participant=Party("Robin\r\nSTATUS:CANCELLED", "r@example.org"), title="A\r\nDTEND:20300101")
    assert event["STATUS"] == "CONFIRMED"
    assert event["DTEND"].dt == ENTRY.ends_at
    assert len(calendar.walk("VEVENT")) == 1


def test_no_line_is_longer_than_a_calendar_takes() -> None:
    """75 octets (RFC 5545, section 3.1)."""
    long = calendar_of(replace(ENTRY, title="é" * 300), STAMP)
    assert max(len(line) for line in long.split(b"\r\n")) <= 75
