"""What the enrolment service keeps: pools, counts, enrolments with their places, and turns on waiting lists."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal
from uuid import UUID, uuid5

from instroom_contracts.intake import Participant
from instroom_contracts.mailbox import mailbox
from instroom_contracts.visible import plain

NAMESPACE = UUID("3b1f8a52-6d0e-4b6c-9a57-2f4f6e0d8c11")
UNLIMITED = sys.maxsize

SessionKey = tuple[str, str]
"""The pair that names a session: its edition's id and its own."""

Answer = str | bool | int | float
"""What a participant may answer to a provider's question."""

PlaceState = Literal["confirmed", "queued", "released"]
EnrolmentState = Literal["confirmed", "queued", "cancelled"]


@dataclass(frozen=True, slots=True)
class Pool:
    """A number of seats.

    `capacity` is what the catalogue offers (None: no limit); `limit` the most that may be `taken` right now, which is
    more only while seats given before a reduction are still held. `last` is the number of the last turn given,
    `waiting` how many parties queue, `sessions` all that take their seats from here.
    """

    id: str
    capacity: int | None
    limit: int | None
    taken: int = 0
    last: int = 0
    waiting: int = 0
    sessions: tuple[SessionKey, ...] = ()

    @property
    def free(self) -> int:
        """Return how many seats can be given."""
        return UNLIMITED if self.limit is None else self.limit - self.taken

    def take(self, seats: int) -> Pool:
        """Give a newly decided party its seats."""
        return Pool(self.id, self.capacity, self.limit, self.taken + seats, self.last, self.waiting, self.sessions)

    def queue(self, now: int) -> Pool:
        """Give a newly decided party a turn behind all others; its number is `last` then (see `Turn`)."""
        last = max(self.last + 1, now)
        return Pool(self.id, self.capacity, self.limit, self.taken, last, self.waiting + 1, self.sessions)

    def promote(self, seats: int) -> Pool:
        """Give a waiting party its seats."""
        return Pool(self.id, self.capacity, self.limit, self.taken + seats, self.last, self.waiting - 1, self.sessions)

    def leave_queue(self) -> Pool:
        """Strike a party off the waiting list."""
        return Pool(self.id, self.capacity, self.limit, self.taken, self.last, self.waiting - 1, self.sessions)

    def release(self) -> Pool:
        """Take one seat back; a limit above the capacity sinks with it."""
        return Pool(self.id, self.capacity, None, self.taken - 1, self.last, self.waiting, self.sessions).capped()

    def offer(self, capacity: int | None) -> Pool:
        """Offer this many seats from now on; nobody loses one that was given."""
        return Pool(self.id, capacity, None, self.taken, self.last, self.waiting, self.sessions).capped()

    def without(self, count: SessionCount) -> Pool:
        """Let a session go, with the seats and the turns that it has."""
        taken, waiting = self.taken - count.confirmed, self.waiting - count.waiting
        sessions = tuple(other for other in self.sessions if other != count.session)
        return Pool(self.id, self.capacity, None, taken, self.last, waiting, sessions).capped()

    def joined_by(self, count: SessionCount, last: int) -> Pool:
        """Take a session in; the next turn comes behind all that it brings along, of which `last` is the last."""
        taken, waiting = self.taken + count.confirmed, self.waiting + count.waiting
        sessions = (*self.sessions, count.session)
        return Pool(self.id, self.capacity, None, taken, max(self.last, last), waiting, sessions).capped()

    def capped(self) -> Pool:
        """Set the limit to what the capacity and the seats already given ask for."""
        limit = None if self.capacity is None else max(self.capacity, self.taken)
        return Pool(self.id, self.capacity, limit, self.taken, self.last, self.waiting, self.sessions)


@dataclass(frozen=True, slots=True)
class SessionCount:
    """How many places of a session are confirmed and queued, and how many parties the queued ones are.

    `version` numbers the facts told about the session.
    """

    edition_id: str
    session_id: str
    version: int = 0
    confirmed: int = 0
    queued: int = 0
    waiting: int = 0

    @property
    def id(self) -> str:
        """Return the id: one per session."""
        return "/".join(self.session)

    @property
    def session(self) -> SessionKey:
        """Return the session that is counted."""
        return (self.edition_id, self.session_id)

    def change(self, *, confirmed: int = 0, queued: int = 0, waiting: int = 0, facts: int = 1) -> SessionCount:
        """Count places and parties in or out; the version rises by the number of facts that tell of it."""
        return SessionCount(
            self.edition_id,
            self.session_id,
            self.version + facts,
            self.confirmed + confirmed,
            self.queued + queued,
            self.waiting + waiting,
        )


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

    A companion's enrolment names the one it came with in `main_id`, and that one names it in `companion_ids`.
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


@dataclass(frozen=True, slots=True)
class Turn:
    """A party's turn on the waiting list of a session: how many seats it needs, and the main enrolment it is of.

    `number` is when it was decided, in microseconds since 1970, or one more than the last of its pool where that is
    more. So turns of one pool are in the order of decision whatever clocks say, and those of sessions that come to
    share a pool later can be compared.
    """

    session: SessionKey
    number: int
    enrolment_id: str
    seats: int

    @property
    def id(self) -> str:
        """Return the id: one per party and session."""
        return turn_id(self.enrolment_id, self.session_id)

    @property
    def session_id(self) -> str:
        """Return the id of the session within its edition."""
        return self.session[1]

    @property
    def order(self) -> tuple[int, str]:
        """Return what turns are served by; two of different pools may have been decided in the same microsecond."""
        return (self.number, self.id)


@dataclass(frozen=True, slots=True)
class Parked:
    """A request that waits for its edition.

    `number` is its turn among those of its edition, `event` the whole event as JSON, `until` when it is decided at the
    latest.
    """

    id: str
    edition_id: str
    number: int
    until: datetime
    event: str


@dataclass(frozen=True, slots=True)
class Parking:
    """How many requests wait for the edition with this id, and the number of the last one that came."""

    id: str
    last: int = 0
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Policy:
    """What an operator decides: how long a request waits for an unknown edition, and who are course desks (sources)."""

    parking: timedelta
    course_desks: frozenset[str]


def turn_id(main_id: str, session_id: str) -> str:
    """Return the id of the turn of a party, named by its main enrolment, in a session."""
    return f"{main_id}/{session_id}"


def state_of(places: tuple[Place, ...]) -> EnrolmentState:
    """Return the state that follows from the places.

    Confirmed means: every session that everyone attends is confirmed. Where none of the places is one of those, one
    confirmed place is enough; an enrolment with nothing confirmed is queued.
    """
    states = [place.state for place in places if place.state != "released"]
    if any(place.required and place.state == "queued" for place in places) or (states and "confirmed" not in states):
        return "queued"
    return "confirmed" if states else "cancelled"


def enrolment_id(source: str, request_id: str) -> str:
    """Return the id of the enrolment that a request leads to; the same request leads to the same id."""
    return str(uuid5(NAMESPACE, f"{source} {request_id}"))


def companion_id(main_id: str, number: int) -> str:
    """Return the id of a companion's enrolment (number from 1), in a name space that no request can reach."""
    return str(uuid5(UUID(main_id), f"#{number}"))


def invite_id(enrolment_id: str, session_id: str) -> str:
    """Return the id of an invitation: one per enrolment and session, for all its updates."""
    return sha256(f"{enrolment_id}/{session_id}".encode()).hexdigest()[:32]


def participant_key(edition_id: str, participant: Participant) -> str:
    """Return the hash that names a participant in an edition: the mailbox, however it is spelt, and the reference."""
    reference = plain(participant.reference or "")
    return sha256(f"{edition_id}\n{mailbox(participant.email)}\n{reference}".encode()).hexdigest()
