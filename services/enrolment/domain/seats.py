"""Seats: pools of them, what each session has of those, and the turns of who waits."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from services.enrolment.domain.ids import SessionKey, turn_id

UNLIMITED = sys.maxsize


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
