"""The story that the demonstration plays: who asks what, in which order, and what is sent by mistake."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from demo.people import Desk, Wish, request
from instroom_contracts.cloudevent import encode, new_event, type_of
from instroom_contracts.intake import AttendanceRecorded, EnrolmentRequested

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
NOORD, MIDDEN, ZUID = (f"vng-participatieweek-2021-{region}" for region in ("noord", "midden", "zuid"))
CMO = "cmo-stamm-participatie-2021"
BERENSCHOT = "berenschot-leeratelier-2024"
IN_COMPANY = "vng-overheidsparticipatie-incompany"
OVKK, OVKK_EXAMPLE = "ovkk-overheidsparticipatie", "ovkk-overheidsparticipatie-voorbeeld"
REQUESTED = type_of(EnrolmentRequested)

SPRING_2021 = datetime(2021, 5, 10, 9, 0, tzinfo=AMSTERDAM)
WINTER_2024 = datetime(2024, 2, 1, 9, 0, tzinfo=AMSTERDAM)


@dataclass(frozen=True)
class Step:
    """One message that a system sends: its bytes, the key, its id, and its sender."""

    desk: Desk
    body: bytes
    routing_key: str
    id: str | None = None


WEBSITE, GRONINGEN, EVENTS_DESK, ACADEMY = Desk("vng-website"), Desk("cmo-formulier"), Desk("berenschot"), Desk("ovkk")


def story() -> list[Step]:
    """Return every message of the first act, in the order in which it is sent."""
    numbers = count(1)
    wishes = [*_interleaved(_week(), _working_session(), _learning_workshop(), _on_request())]
    steps = [_step(desk, next(numbers), wish) for desk, wish in wishes]
    return [*_with_mistakes(steps), *_repeated(steps)]


def _step(desk: Desk, number: int, wish: Wish) -> Step:
    event = request(desk, number, wish)
    return Step(desk, encode(event).body, REQUESTED, event.id)


def _interleaved(*streams: Iterator[tuple[Desk, Wish]]) -> Iterator[tuple[Desk, Wish]]:
    """Take from the streams in turn, as systems that do not know of each other do."""
    waiting = list(streams)
    while waiting:
        for stream in tuple(waiting):
            try:
                yield next(stream)
            except StopIteration:
                waiting.remove(stream)


def _week() -> Iterator[tuple[Desk, Wish]]:
    """Three regions; Noord fills up, so does one of its work sessions."""
    for number in range(84):
        asked = SPRING_2021 + timedelta(minutes=7 * number)
        yield WEBSITE, Wish(NOORD, "projectleider", asked, _choice(number), "noord", all_or_nothing=number % 20 == 19)
        if number % 2:
            yield WEBSITE, Wish(MIDDEN, "communicatieadviseur", asked, ("participatiebeleid",), "midden")
        if number % 3 == 0:
            yield WEBSITE, Wish(ZUID, "griffier", asked, ("griffier-als-vooruitgeschoven-post",), "zuid")
    asked = SPRING_2021 + timedelta(days=2)
    yield WEBSITE, Wish(NOORD, "projectleider", asked, _choice(0), "zuid")
    yield WEBSITE, Wish(NOORD, "bestuurder", asked, ("participatiebeleid",), "noord")
    yield WEBSITE, Wish(MIDDEN, "projectleider", asked, (), "midden")
    yield WEBSITE, Wish(ZUID, "griffier", asked, ("griffier-in-de-achterhoede",), "zuid")
    yield WEBSITE, Wish("vng-participatieweek-2021-oost", "griffier", asked, (), "oost")
    yield WEBSITE, Wish(NOORD, "projectleider", datetime(2021, 6, 9, 14, 0, tzinfo=AMSTERDAM), _choice(0), "noord")


def _choice(number: int) -> tuple[str, ...]:
    return ("participatie-als-proces",) if number % 3 else ("participatiebeleid", "inclusieve-besluitvorming")


def _working_session() -> Iterator[tuple[Desk, Wish]]:
    """No limit on seats, but a deadline: until 21 May, the whole day."""
    for number in range(60):
        asked = SPRING_2021 + timedelta(hours=3 * number)
        yield GRONINGEN, Wish(CMO, "gebiedsmanager", asked, region="groningen", answers={"casus": "Wijkaanpak"})
    last_moment = datetime(2021, 5, 21, 23, 59, 59, tzinfo=AMSTERDAM)
    yield GRONINGEN, Wish(CMO, "beleidsmedewerker", last_moment, region="groningen")
    for minutes in range(1, 9):
        yield GRONINGEN, Wish(CMO, "beleidsmedewerker", last_moment + timedelta(minutes=minutes), region="groningen")
    for region in ("drenthe", "fryslan", None):
        yield GRONINGEN, Wish(CMO, "beleidsmedewerker", SPRING_2021, region=region)


def _learning_workshop() -> Iterator[tuple[Desk, Wish]]:
    """Four rounds; some bring a legal colleague to the fourth, one asks in English."""
    for number in range(40):
        asked = WINTER_2024 + timedelta(hours=12 * number)
        companion = ("juridisch-verankeren",) if number % 3 == 0 else ()
        language = "en" if number % 10 == 9 else "nl"
        yield EVENTS_DESK, Wish(BERENSCHOT, "beleidsmedewerker", asked, companion_for=companion, language=language)
    leap_day = datetime(2024, 2, 29, 23, 59, 59, tzinfo=AMSTERDAM)
    yield EVENTS_DESK, Wish(BERENSCHOT, "jurist", leap_day)
    for hours in range(1, 5):
        yield EVENTS_DESK, Wish(BERENSCHOT, "jurist", leap_day + timedelta(hours=hours))
    yield EVENTS_DESK, Wish(BERENSCHOT, "jurist", WINTER_2024, companion_for=("visie-en-fundament",))


def _on_request() -> Iterator[tuple[Desk, Wish]]:
    """Two programmes that are asked for, not enrolled in, and one municipality's own edition."""
    for role in ("raadslid", "griffier", "teamleider"):
        yield WEBSITE, Wish(IN_COMPANY, role, SPRING_2021)
        yield ACADEMY, Wish(OVKK, role, SPRING_2021)
    for role in ("raadslid", "collegelid", "directielid", "manager", "teamleider", "griffier") * 4:
        yield ACADEMY, Wish(OVKK_EXAMPLE, role, SPRING_2021)
    yield ACADEMY, Wish(OVKK_EXAMPLE, "raadslid", SPRING_2021, organisation="Gemeente Elders")


def _repeated(steps: list[Step]) -> list[Step]:
    """Send some messages again, as at-least-once senders do, and two ids with other data."""
    again = steps[::9]
    reused = [replace(step, body=step.body.replace(b"Gemeente Voorbeeld", b"Gemeente Verderop")) for step in steps[5:7]]
    return [*again, *reused]


def _with_mistakes(steps: list[Step]) -> list[Step]:
    """Put messages that are no valid requests between the others."""
    mistakes = [spoil(steps[0], number) for number, spoil in enumerate(_SPOILERS, start=1)]
    distance = len(steps) // (len(mistakes) + 1)
    for number, mistake in enumerate(mistakes, start=1):
        steps.insert(number * distance, mistake)
    return steps


def _spoiled(step: Step, number: int, change: Callable[[dict[str, object]], None]) -> Step:
    event = json.loads(step.body)
    event["id"] = f"mistake-{number}"
    change(event)
    return replace(step, body=json.dumps(event).encode(), id=event["id"])


def _without_mail(step: Step, number: int) -> Step:
    return _spoiled(step, number, lambda event: event["data"]["participant"].pop("email"))  # type: ignore[index]


def _misspelt(step: Step, number: int) -> Step:
    return _spoiled(step, number, lambda event: event["data"].update(sesionIds=["participatiebeleid"]))  # type: ignore[attr-defined]


def _text_for_boolean(step: Step, number: int) -> Step:
    return _spoiled(step, number, lambda event: event["data"].update(allOrNothing="true"))  # type: ignore[attr-defined]


def _without_offset(step: Step, number: int) -> Step:
    return _spoiled(step, number, lambda event: event.update(time="2021-05-20T09:30:00"))


def _line_break_in_name(step: Step, number: int) -> Step:
    injected = "Robin\r\nBcc: everybody@example.org"
    return _spoiled(step, number, lambda event: event["data"]["participant"].update(name=injected))  # type: ignore[index]


def _cut_short(step: Step, number: int) -> Step:  # noqa: ARG001  every spoiler has the same shape
    return replace(step, body=step.body[:200], id=None)


def _too_large(step: Step, number: int) -> Step:  # noqa: ARG001  every spoiler has the same shape
    return replace(step, body=step.body + b" " * 70_000, id=None)


def _unknown_type(step: Step, number: int) -> Step:
    wrong = "nl.enrolments.enrollment-requested.v1"
    return replace(_spoiled(step, number, lambda event: event.update(type=wrong)), routing_key=wrong)


def _not_heard_yet(step: Step, number: int) -> Step:
    data = AttendanceRecorded(edition_id=NOORD, session_id="participatiebeleid", attended=(), absent=())
    event = new_event(data, source=step.desk.source, id=f"mistake-{number}")
    return replace(step, body=encode(event).body, routing_key=event.type, id=event.id)


_SPOILERS = (
    _without_mail, _misspelt, _text_for_boolean, _without_offset, _line_break_in_name,
    _cut_short, _too_large, _unknown_type, _not_heard_yet,
)  # fmt: skip
