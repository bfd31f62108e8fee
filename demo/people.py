"""Made-up people and the requests that their systems send for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from instroom_contracts.cloudevent import CloudEvent, new_event
from instroom_contracts.intake import Companion, EnrolmentRequested, Participant

FIRST = ("Robin", "Sam", "Noor", "Bo", "Jip", "Sem", "Lou", "Kim", "Max", "Fien", "Teun", "Mees", "Lot", "Pim", "Saar")
LAST = ("Jansen", "de Vries", "Bakker", "Visser", "Smit", "Meijer", "Mulder", "Bos", "Vos", "Peters", "Dekker", "Kok")


@dataclass(frozen=True)
class Desk:
    """The system of one provider that sends requests, with its `source`."""

    name: str

    @property
    def source(self) -> str:
        """Return the source under which this system publishes."""
        return f"urn:nld:oin:00000001823288444000:systeem:{self.name}"


@dataclass(frozen=True)
class Wish:
    """What somebody asks for: an edition, sessions, and who they are in it."""

    edition: str
    role: str
    time: datetime
    sessions: tuple[str, ...] = ()
    region: str | None = None
    organisation: str = "Gemeente Voorbeeld"
    all_or_nothing: bool = False
    companion_for: tuple[str, ...] = ()
    language: str = "nl"
    answers: dict[str, Any] = field(default_factory=dict)


def participant(number: int, wish: Wish) -> Participant:
    """Make up the person with this number."""
    first, last = FIRST[number % len(FIRST)], LAST[number // len(FIRST) % len(LAST)]
    return Participant(
        name=f"{first} {last}",
        email=f"{first}.{last}.{number}@example.org".lower().replace(" ", "-"),
        organisation=wish.organisation,
        role=wish.role,
        region=wish.region,
        language=wish.language,
    )


def request(desk: Desk, number: int, wish: Wish) -> CloudEvent[EnrolmentRequested]:
    """Build the request of the person with this number."""
    companions: tuple[Companion, ...] = ()
    if wish.companion_for:
        companions = (Companion(session_ids=wish.companion_for, participant=participant(number + 5000, wish)),)
    data = EnrolmentRequested(
        edition_id=wish.edition,
        participant=participant(number, wish),
        session_ids=wish.sessions,
        companions=companions,
        all_or_nothing=wish.all_or_nothing,
        answers=wish.answers,
    )
    return new_event(data, source=desk.source, id=f"{desk.name}-{number}", time=wish.time)
