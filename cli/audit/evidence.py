"""What the audit judges: plain data, as found in the databases, the replay stream and the queues."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from cli.facts import Fact

SessionKey = tuple[str, str]
"""The pair that names a session: its edition's id and its own."""

PlaceKey = tuple[str, str]
"""The pair that names a place: its enrolment's id and its session's."""

LONG_PAST = timedelta(days=1)
"""A service tells facts in the order of their times, give or take its clock."""

NEVER = datetime.max.replace(tzinfo=UTC)
"""When a session without a date begins."""


@dataclass(frozen=True)
class Pool:
    """A pool as it is kept.

    Seats offered (None: no limit), the most that may be taken now, taken, parties waiting, and the sessions it is for.
    """

    id: str
    capacity: int | None
    limit: int | None
    taken: int
    waiting: int
    sessions: tuple[SessionKey, ...] = ()


@dataclass(frozen=True)
class Counter:
    """A session's counters as they are kept."""

    session: SessionKey
    version: int
    confirmed: int
    queued: int
    waiting: int = 0


@dataclass(frozen=True)
class Place:
    """A place as it is kept; `party` is the enrolment that whoever has it came with, perhaps their own."""

    enrolment: str
    session: SessionKey
    state: str
    party: str


@dataclass(frozen=True)
class Enrolment:
    """An enrolment as it is kept; `participant` is a digest of who it is for."""

    id: str
    edition: str
    participant: str
    state: str
    all_or_nothing: bool
    places: tuple[Place, ...]


@dataclass(frozen=True)
class Turn:
    """A party's turn on the waiting list of a session, as it is kept; `number` says when it was decided."""

    session: SessionKey
    enrolment: str
    number: int
    seats: int


@dataclass(frozen=True)
class Spent:
    """An intake event that was decided: its source and id as "source id", and its type."""

    key: str
    type: str
    at: datetime


@dataclass(frozen=True)
class Invitation:
    """An invitation as it is kept: what was asked last and when, and how far its newest mail has come."""

    enrolment: str
    session: SessionKey
    asked_method: str
    asked_at: datetime
    method: str
    sequence: int
    state: str

    @property
    def place(self) -> PlaceKey:
        """Return the place that it is for."""
        return (self.enrolment, self.session[1])


@dataclass(frozen=True)
class Offered:
    """A session as the enrolment service knows it now: when, whether at all, from which pool, and how many seats."""

    starts_at: datetime | None
    cancelled: bool
    pool: str = ""
    capacity: int | None = None


@dataclass(frozen=True)
class Outbox:
    """What a service has yet to tell: how many commits, the time of the oldest, and on which exchanges."""

    service: str
    commits: int
    oldest: datetime | None
    exchanges: tuple[str, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """Everything that was found at one moment.

    `facts` are in the order of the stream, repetitions included, and end with those of the outboxes that the stream
    does not hold yet (`untold` of them). `whole`: the stream still holds its first message. `unfinished` are the ids of
    editions and pools on which a service is at work in portions, and names of other such work.
    """

    now: datetime
    pools: tuple[Pool, ...] = ()
    counters: tuple[Counter, ...] = ()
    enrolments: tuple[Enrolment, ...] = ()
    turns: tuple[Turn, ...] = ()
    spent: tuple[Spent, ...] = ()
    parked: frozenset[str] = frozenset()
    unfinished: frozenset[str] = frozenset()
    live: Mapping[str, str] = field(default_factory=dict)
    sessions: Mapping[SessionKey, Offered] = field(default_factory=dict)
    invitations: tuple[Invitation, ...] = ()
    outboxes: tuple[Outbox, ...] = ()
    dead_letters: Mapping[str, int] = field(default_factory=dict)
    facts: tuple[Fact, ...] = ()
    untold: int = 0
    whole: bool = True

    @cached_property
    def told(self) -> tuple[Fact, ...]:
        """Return the facts without their repetitions: the first of each source and id.

        Where the stream has lost its beginning, what was told again may have lost its first telling with that.
        """
        first: dict[tuple[str, str], Fact] = {}
        for fact in self.facts:
            first.setdefault((fact.text("source"), fact.id), fact)
        return tuple(first.values() if self.whole else _without_orphans(first.values()))

    @cached_property
    def places(self) -> Mapping[PlaceKey, Place]:
        """Return every place by enrolment and session; of several the one that is not released."""
        every = [place for enrolment in self.enrolments for place in enrolment.places]
        return {(place.enrolment, place.session[1]): place for place in sorted(every, key=_released_first)}

    @cached_property
    def holding(self) -> frozenset[str]:
        """Return the enrolments that have a place or wait for one."""
        return frozenset(place.enrolment for place in self.places.values() if place.state != "released")

    @cached_property
    def invited(self) -> Mapping[PlaceKey, Invitation]:
        """Return the invitation to each place whose holder is to be there, as far as was asked last."""
        return {one.place: one for one in self.invitations if one.asked_method == "REQUEST"}

    @cached_property
    def _starts(self) -> Mapping[SessionKey, set[datetime]]:
        """Return every start that a session has or had."""
        starts: dict[SessionKey, set[datetime]] = defaultdict(set)
        for session, offered in self.sessions.items():
            starts[session].add(offered.starts_at or NEVER)
        for fact in self.told:
            if fact.name == "edition-published":
                for session in fact.data["sessions"]:
                    starts[fact.edition, session["sessionId"]].add(moment_of(session.get("startsAt")) or NEVER)
        return starts

    def begins(self, session: SessionKey) -> datetime:
        """Return the earliest start that a session has or had: before it, it had certainly not begun."""
        return min(self._starts.get(session, {NEVER}))

    def begins_at_last(self, session: SessionKey) -> datetime:
        """Return the latest start that a session has or had: from then on it had certainly begun."""
        return max(self._starts.get(session, {NEVER}))

    def pool_of(self, session: SessionKey) -> str:
        """Return the pool that a session takes its seats from: what the catalogue says, or its own."""
        offered = self.sessions.get(session)
        return (offered.pool if offered else "") or "/".join(session)

    @cached_property
    def by_id(self) -> Mapping[str, Enrolment]:
        """Return every enrolment by its id."""
        return {one.id: one for one in self.enrolments}


def _without_orphans(facts: Iterable[Fact]) -> Iterator[Fact]:
    """Leave out facts that are far older than what their service told before them."""
    newest: dict[str, datetime] = {}
    for fact in facts:
        time, service = moment_of(fact.text("time")), fact.text("source")
        if time and time < newest.get(service, time) - LONG_PAST:
            continue
        if time:
            newest[service] = max(time, newest.get(service, time))
        yield fact


def moment_of(text: str | None) -> datetime | None:
    """Read a time as the wire has it; None stays None."""
    return datetime.fromisoformat(text) if text else None


def pool_in(edition: Mapping[str, Any], session: Mapping[str, Any]) -> str:
    """Return the pool of a session in a published edition: its own, or one that its provider's sessions share."""
    if session.get("pool"):
        return f"{edition.get('provider', '')}:{session['pool']}"
    return f"{edition['editionId']}/{session['sessionId']}"


def _released_first(place: Place) -> bool:
    return place.state != "released"
