"""Enrolments with their places, and which of a participant's is the live one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from instroom_contracts.intake import Participant

Answer = str | bool | int | float
"""What a participant may answer to a provider's question."""
PlaceState = Literal["confirmed", "queued", "released"]
EnrolmentState = Literal["confirmed", "queued", "cancelled"]


@dataclass(frozen=True, slots=True)
class Place:
    """A place in one session. Which pool its seat is from is the session's affair, and may change.

    `required` says that everyone attends this session, `version` is the session's when the place last changed, and
    `sequence` the last one used for its calendar entry.
    """

    session_id: str
    state: PlaceState
    required: bool
    version: int
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class Enrolment:
    """One participant's tie to one edition.

    A companion's enrolment names the one it came with in `main_id`, and that one names it in `companion_ids`. What is
    to stand on the invoice is said of the main one.
    """

    id: str
    edition_id: str
    source: str
    request_id: str
    participant: Participant
    state: EnrolmentState
    all_or_nothing: bool
    places: tuple[Place, ...]
    asked_at: datetime
    answers: Mapping[str, Answer]
    main_id: str | None = None
    companion_ids: tuple[str, ...] = ()
    invoice_reference: str | None = None

    @property
    def party_id(self) -> str:
        """Return the id of the main enrolment of the party that this one came with."""
        return self.main_id or self.id

    def place(self, session_id: str) -> Place | None:
        """Return the place in this session, where there is one that was not released."""
        for place in self.places:
            if place.session_id == session_id and place.state != "released":
                return place
        return None


@dataclass(frozen=True, slots=True)
class Live:
    """The one live enrolment of a participant in an edition, and the source that it belongs to.

    `id` is the participant's key in the edition (`participant_key`).
    """

    id: str
    enrolment_id: str
    source: str


def state_of(places: tuple[Place, ...]) -> EnrolmentState:
    """Return the state that follows from the places.

    Confirmed means: every session that everyone attends is confirmed. Where none of the places is one of those, one
    confirmed place is enough; an enrolment with nothing confirmed is queued.
    """
    states = [place.state for place in places if place.state != "released"]
    if any(place.required and place.state == "queued" for place in places) or (states and "confirmed" not in states):
        return "queued"
    return "confirmed" if states else "cancelled"
