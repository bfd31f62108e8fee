"""Calendar entries: one VEVENT per enrolment and session, asked for and withdrawn (RFC 5545, 5546, 7986)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import icalendar

from instroom_contracts.notification import Method
from services.notification.domain.daily import AMSTERDAM
from services.notification.writing.addresses import mailto

PRODUCT = "-//Instroom//Notification//NL"
WINTER, SUMMER = timedelta(hours=1), timedelta(hours=2)


@dataclass(frozen=True)
class Party:
    """Somebody with a name and a mail address: the organiser or the participant."""

    name: str
    email: str


@dataclass(frozen=True)
class Entry:
    """What a participant's calendar is to show, or no longer.

    `called_off` says that the session itself is cancelled; otherwise a CANCEL withdraws this one participant.
    `place` is an address or the meeting link; `link` is the meeting link alone.
    """

    uid: str
    method: Method
    sequence: int
    called_off: bool
    starts_at: datetime | None
    ends_at: datetime | None
    title: str
    description: str
    place: str | None
    link: str | None
    language: str
    organiser: Party
    participant: Party


def calendar_of(entry: Entry, stamped_at: datetime) -> bytes:
    """Return the iCalendar object of an entry.

    Its METHOD is the entry's, and must be repeated as the mail part's `method` parameter (RFC 6047).
    """
    calendar = icalendar.Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", entry.method)
    calendar.add_component(_amsterdam())
    calendar.add_component(_event(entry, stamped_at))
    ical: bytes = calendar.to_ical()
    return ical


def _event(entry: Entry, stamped_at: datetime) -> icalendar.Event:
    event = icalendar.Event()
    event.add("uid", entry.uid)
    event.add("sequence", entry.sequence)
    event.add("dtstamp", stamped_at.astimezone(UTC))
    _add_times(event, entry)
    event.add("summary", entry.title, parameters={"LANGUAGE": entry.language})
    event.add("organizer", _address(entry.organiser))
    event.add("attendee", _attendee(entry))
    event.add("transp", "OPAQUE")
    if entry.method == "REQUEST":
        event.add("status", "CONFIRMED")
        _add_details(event, entry)
    elif entry.called_off:
        event.add("status", "CANCELLED")
    return event


def _add_times(event: icalendar.Event, entry: Entry) -> None:
    """Write hours as local ones, so that they stay what the programme says whatever the clock does."""
    for name, at in (("dtstart", entry.starts_at), ("dtend", entry.ends_at)):
        if at is not None:
            event.add(name, at.astimezone(AMSTERDAM))


def _add_details(event: icalendar.Event, entry: Entry) -> None:
    event.add("description", entry.description, parameters={"LANGUAGE": entry.language})
    if entry.place:
        event.add("location", entry.place)
    if entry.link:
        parameters = {"VALUE": "URI", "FEATURE": "VIDEO", "LABEL": entry.title}
        event.add("conference", entry.link, parameters=parameters)


def _address(party: Party) -> icalendar.vCalAddress:
    address = icalendar.vCalAddress(mailto(party.email))
    address.params["CN"] = icalendar.vText(party.name)
    return address


def _attendee(entry: Entry) -> icalendar.vCalAddress:
    """Name the participant; no reply is asked for, since signing off goes through the provider."""
    attendee = _address(entry.participant)
    for name, value in (("CUTYPE", "INDIVIDUAL"), ("ROLE", "REQ-PARTICIPANT"), ("PARTSTAT", "NEEDS-ACTION")):
        attendee.params[name] = icalendar.vText(value)
    attendee.params["RSVP"] = icalendar.vText("FALSE")
    return attendee


def _amsterdam() -> icalendar.Timezone:
    """Describe Dutch time as it has been since 1996: clocks change on the last Sundays of March and October."""
    zone = icalendar.Timezone()
    zone.add("tzid", AMSTERDAM.key)
    for component, name, first, month, before, after in (
        (icalendar.TimezoneDaylight(), "CEST", datetime(1996, 3, 31, 2), 3, WINTER, SUMMER),  # noqa: DTZ001  local, as RFC 5545 asks
        (icalendar.TimezoneStandard(), "CET", datetime(1996, 10, 27, 3), 10, SUMMER, WINTER),  # noqa: DTZ001  the same
    ):
        component.add("tzname", name)
        component.add("dtstart", first)
        component.add("rrule", {"freq": "yearly", "bymonth": month, "byday": "-1su"})
        component.add("tzoffsetfrom", before)
        component.add("tzoffsetto", after)
        zone.add_component(component)
    return zone
