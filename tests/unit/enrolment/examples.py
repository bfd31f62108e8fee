"""Editions and requests for tests: each takes what matters to the test and fills in the rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from chassis.due import DUE, Due
from chassis.handling import Hears, Tell
from chassis.schedule import as_event
from instroom_contracts import catalog, intake
from instroom_contracts.cloudevent import CloudEvent, EventData, new_event, type_of
from instroom_contracts.enrolment import EnrolmentConfirmed, EnrolmentQueued, EnrolmentRejected
from services.enrolment import app
from services.enrolment.domain.policy import Policy
from tests.support.memory import Memory

WEBSITE = "urn:nld:oin:00000001823288444000:systeem:website"
OTHER = "urn:nld:oin:00000009999999999000:systeem:hr"
DESK = "urn:nld:oin:00000001823288444000:systeem:cursusbureau"
OWN = "urn:nld:oin:00000001823288444000:systeem:instroom-enrolment"
CATALOG = "urn:nld:oin:00000001823288444000:systeem:instroom-catalog"

EDITION = "participatie-2021"
ASKED = datetime(2021, 5, 20, 9, 30, tzinfo=UTC)
STARTS = datetime(2021, 6, 8, 7, 0, tzinfo=UTC)
POLICY = Policy(parking=timedelta(seconds=10), course_desks=frozenset({DESK}))

_numbers = count(1)


def session(id: str = "werksessie", **fields: Any) -> catalog.Session:
    """Build a session that everyone attends, of three hours, without a limit."""
    starts = fields.pop("starts_at", STARTS)
    filled = {
        "title": id.replace("-", " ").capitalize(),
        "attendance": "everyone",
        "form": "online",
        "starts_at": starts,
        "ends_at": starts + timedelta(hours=3) if starts else None,
    }
    return catalog.Session(session_id=id, **{**filled, **fields})


def choice(id: str, **fields: Any) -> catalog.Session:
    """Build a session of one's choice, on a day of its own."""
    day = sum(id.encode()) % 300
    return session(id, **{"attendance": "choice", "starts_at": STARTS + timedelta(days=day), **fields})


def edition(*sessions: catalog.Session, **fields: Any) -> catalog.EditionPublished:
    """Build an open edition; one session that everyone attends where none is given."""
    filled = {
        "edition_id": EDITION,
        "programme_id": "participatie",
        "provider": "aanbieder",
        "title": "Participatie",
        "kind": "open",
        "state": "open",
        "version": 1,
        "choice": catalog.Choice(minimum=0, maximum=20),
    }
    return catalog.EditionPublished(sessions=sessions or (session(),), **{**filled, **fields})


def participant(name: str = "robin", **fields: Any) -> intake.Participant:
    """Build a participant whose mail address follows from the name."""
    filled = {
        "name": name.capitalize(),
        "email": f"{name}@example.org",
        "organisation": "Gemeente Voorbeeld",
        "role": "projectleider",
    }
    return intake.Participant(**{**filled, **fields})


def request(
    *session_ids: str, name: str = "robin", at: datetime = ASKED, source: str = WEBSITE, **fields: Any
) -> CloudEvent[intake.EnrolmentRequested]:
    """Build a request for a place, under an id of its own."""
    filled = {"edition_id": EDITION, "participant": participant(name), "session_ids": session_ids}
    data = intake.EnrolmentRequested(**{**filled, **fields})
    return new_event(data, source=source, id=f"request-{next(_numbers)}", time=at)


def companion(name: str, *session_ids: str) -> intake.Companion:
    """Build a companion to these sessions."""
    return intake.Companion(participant=participant(name, role="jurist"), session_ids=session_ids)


def cancellation(
    enrolment_id: str, *, at: datetime = ASKED, source: str = WEBSITE
) -> CloudEvent[intake.EnrolmentCancellationRequested]:
    """Build a request to cancel an enrolment."""
    data = intake.EnrolmentCancellationRequested(enrolment_id=enrolment_id)
    return new_event(data, source=source, id=f"cancellation-{next(_numbers)}", time=at)


def answer_asked(
    request_id: str, *, source: str = WEBSITE, of: str | None = None
) -> CloudEvent[intake.AnswerRequested]:
    """Build a request for the answer to a request, perhaps another source's."""
    data = intake.AnswerRequested(request_id=request_id, request_source=of)
    return new_event(data, source=source, id=f"again-{next(_numbers)}", time=ASKED)


def hears(event: CloudEvent[Any]) -> Hears:
    """Return the service's line for an event of this kind."""
    return next(line for line in app.hears(POLICY) if line.model is type(event.data))


class Desk:
    """The enrolment service in memory: publish editions, ask, cancel, and look at what became of it."""

    def __init__(self, *editions: catalog.EditionPublished) -> None:
        self.memory = Memory()
        for one in editions:
            self.publish(one)

    def publish(self, published: catalog.EditionPublished, *, at: datetime = ASKED) -> list[EventData]:
        """Take in an edition."""
        return data_of(self.tells(self.published(published, at=at), now=at))

    def published(
        self, published: catalog.EditionPublished, *, at: datetime = ASKED
    ) -> CloudEvent[catalog.EditionPublished]:
        """Build the catalogue's event of an edition."""
        return new_event(published, source=CATALOG, id=f"edition-{next(_numbers)}", time=at)

    def expire(self) -> list[Tell]:
        """Let parked requests have waited long enough, and those that are set aside be tried again."""
        return [tell for one in self._due(app.WAITS) for tell in self._done(one, app.WAITS, ASKED + POLICY.parking)]

    def go_on(self) -> list[EventData]:
        """Do a portion of everything that was left undone; return what is told."""
        return data_of(self.tells_of_portions())

    def tells_of_portions(self) -> list[Tell]:
        """Do the same; return what is told, with addresses."""
        return [tell for one in self._due(app.PORTIONS) for tell in self._done(one, app.PORTIONS)]

    def asked_to_go_on(self, left: Due) -> list[EventData]:
        """Do one portion of this; return what is told."""
        return data_of(self._done(left, app.PORTIONS))

    def _due(self, of: Sequence[Hears]) -> list[Due]:
        types = {type_of(hears.model) for hears in of}
        return [one for one in self.memory.all(DUE).values() if one.type in types]

    def _done(self, due: Due, of: Sequence[Hears], now: datetime = ASKED) -> Iterable[Tell]:
        return self.memory.handle(*as_event(due, of, OWN), now)

    def finish(self) -> list[EventData]:
        """Go on until nothing is left; return what is told."""
        told: list[EventData] = []
        while self._due(app.PORTIONS):
            told += self.go_on()
        return told

    def tells(self, event: CloudEvent[Any], *, now: datetime = ASKED) -> list[Tell]:
        """Handle a request; return what is told, with addresses."""
        return list(self.memory.handle(hears(event), event, now))

    def told(self, event: CloudEvent[Any]) -> list[EventData]:
        """Handle a request; return what is told."""
        return data_of(self.tells(event))

    def ask(self, *session_ids: str, **fields: Any) -> Any:
        """Ask for a place; return the answer."""
        answers = (EnrolmentConfirmed, EnrolmentQueued, EnrolmentRejected)
        return one_of(self.told(request(*session_ids, **fields)), *answers)

    def cancel(self, enrolment_id: str, **fields: Any) -> list[EventData]:
        """Cancel an enrolment; return what is told."""
        return self.told(cancellation(enrolment_id, **fields))


def data_of(tells: Iterable[Tell]) -> list[EventData]:
    """Return the events told, without their addresses."""
    return [tell.data for tell in tells]


def one_of(told: Iterable[EventData], *models: type[EventData]) -> Any:
    """Return the only event of these kinds."""
    (found,) = (data for data in told if isinstance(data, models))
    return found


def all_of(told: Iterable[EventData], *models: type[EventData]) -> list[Any]:
    """Return the events of these kinds, in order."""
    return [data for data in told if isinstance(data, models)]
