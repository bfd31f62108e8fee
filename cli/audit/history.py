"""What happened to seats and waiting lists, played again from the facts in the order in which they were told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from cli.audit.evidence import Evidence, Place, PlaceKey, SessionKey, pool_in
from cli.facts import Fact

Party = tuple[str, SessionKey]
"""What names a party in a session: its main enrolment, and the session."""


@dataclass(frozen=True)
class Change:
    """What one fact says of one party in one session: `number` is the fact's turn in the stream.

    `state` is what the places came to; `promoted`: from the waiting list; `answer`: told as the answer to a request.
    """

    number: int
    party: Party
    places: tuple[Place, ...]
    state: str
    promoted: bool = False
    answer: bool = False


FIGURES = ("confirmed", "queued")


@dataclass(frozen=True)
class PlaceTold:
    """What a fact tells of a session: its version, whose place became what, and how many there are (None: not said).

    `state` is None where the fact is of no place, such as that the session is full.
    """

    version: int
    enrolment: str
    state: str | None
    counts: tuple[int, int] | None


def changes(evidence: Evidence) -> Iterator[Change]:
    """Read the changes of places from the facts.

    Facts that the kept figures do not know of yet are left out: they were told after the figures were read.
    """
    versions = {counter.session: counter.version for counter in evidence.counters}
    for number, fact in enumerate(evidence.told):
        parties: dict[tuple[Party, str], list[Place]] = defaultdict(list)
        for (_, session_id), one in told_of_sessions(fact):
            place = evidence.places.get((one.enrolment, session_id))
            if place is not None and one.state is not None and one.version <= versions.get(place.session, 0):
                parties[(place.party, place.session), one.state].append(place)
        promoted = fact.data.get("cause") == "promotion"
        answer = fact.name.startswith("enrolment-")
        for (party, state), places in parties.items():
            yield Change(number, party, tuple(places), state, promoted, answer)


def told_of_sessions(fact: Fact) -> Iterator[tuple[SessionKey, PlaceTold]]:
    """Read what a fact tells of sessions, those of companions too."""
    if "sessionVersion" in fact.data:
        states = {"place-confirmed": "confirmed", "place-released": "released"}
        yield (fact.edition, fact.data.get("sessionId", "")), _told(fact.data, fact.data, states.get(fact.name))
    for party in (fact.data, *fact.data.get("companions", ())):
        for place in party.get("places", ()):
            yield (fact.edition, place["sessionId"]), _told(place, party, place["state"])


def _told(said: Mapping[str, Any], of: Mapping[str, Any], state: str | None) -> PlaceTold:
    counts = (said["confirmed"], said["queued"]) if all(figure in said for figure in FIGURES) else None
    return PlaceTold(said["sessionVersion"], of.get("enrolmentId", ""), state, counts)


@dataclass(frozen=True)
class Seats:
    """How many seats of a pool were free after a fact.

    `freed_by` is the place that was given back, `at` the time of an edition that offers more or fewer.
    """

    number: int
    free: float
    freed_by: PlaceKey | None = None
    at: datetime | None = None


def seats(evidence: Evidence) -> Mapping[str, list[Seats]]:
    """Count the free seats of every pool through the facts."""
    counted = _Counting()
    every = iter([*changes(evidence), None])
    change = next(every)
    for number, fact in enumerate(evidence.told):
        counted.offer(number, fact)
        while change is not None and change.number == number:
            counted.take(change)
            change = next(every)
    return counted.pools


class _Counting:
    def __init__(self) -> None:
        self.pools: dict[str, list[Seats]] = defaultdict(list)
        self._pool: dict[SessionKey, str] = {}
        self._capacity: dict[SessionKey, float] = {}
        self._seated: dict[SessionKey, set[PlaceKey]] = defaultdict(set)

    def offer(self, number: int, fact: Fact) -> None:
        """Take in what an edition offers from now on, and from which pools; where a session goes its seats go along."""
        if fact.name != "edition-published":
            return
        for session in fact.data["sessions"]:
            key, pool = (fact.edition, session["sessionId"]), pool_in(fact.data, session)
            capacity = session.get("capacity")
            left = self._pool.get(key, pool)
            self._pool[key] = pool
            self._capacity[key] = float("inf") if capacity is None else capacity
            for changed in {left, pool}:
                self._note(changed, number, at=datetime.fromisoformat(fact.text("time")))

    def take(self, change: Change) -> None:
        """Count the seats that a party takes or gives back."""
        session = change.party[1]
        seated, pool = self._seated[session], self._pool.get(session, "/".join(session))
        for place in change.places:
            key = (place.enrolment, place.session[1])
            if change.state == "confirmed":
                seated.add(key)
                self._note(pool, change.number)
            elif key in seated:
                seated.discard(key)
                self._note(pool, change.number, freed_by=key)

    def _note(self, pool: str, number: int, freed_by: PlaceKey | None = None, at: datetime | None = None) -> None:
        sessions = [key for key, of in self._pool.items() if of == pool]
        capacity = min((self._capacity[key] for key in sessions), default=0)
        free = max(0.0, capacity - sum(len(self._seated[key]) for key in sessions))
        self.pools[pool].append(Seats(number, free, freed_by, at))


def came_free(course: list[Seats], wanted: int) -> Seats | None:
    """Return since when so many seats have been free without a break; None where they always were, or are not."""
    since = None
    for before, after in pairwise(course):
        if before.free < wanted <= after.free:
            since = after
    return since if course and course[-1].free >= wanted else None


def moved(evidence: Evidence) -> Iterator[tuple[SessionKey, Seats]]:
    """Give each move of a session to another pool, whose seats may have been free long before."""
    pools: dict[SessionKey, str] = {}
    for number, fact in enumerate(evidence.told):
        for session in fact.data["sessions"] if fact.name == "edition-published" else ():
            key, pool = (fact.edition, session["sessionId"]), pool_in(fact.data, session)
            if pools.setdefault(key, pool) != pool:
                pools[key] = pool
                yield key, Seats(number, 0, at=datetime.fromisoformat(fact.text("time")))


def sharing(evidence: Evidence) -> Mapping[SessionKey, set[SessionKey]]:
    """Return the sessions that share a pool with each: those that always did, and were never cancelled."""
    pools: dict[SessionKey, set[str]] = {session: {evidence.pool_of(session)} for session in evidence.sessions}
    off = {session for session, offered in evidence.sessions.items() if offered.cancelled}
    for fact in evidence.told:
        if fact.name == "edition-published":
            for session in fact.data["sessions"]:
                key = (fact.edition, session["sessionId"])
                pools.setdefault(key, set()).add(pool_in(fact.data, session))
                off |= {key} if "cancelled" in (fact.data.get("state"), session.get("state")) else set()
    by_pool: dict[str, set[SessionKey]] = defaultdict(set)
    for key in pools.keys() - off:
        if len(pools[key]) == 1:
            by_pool[next(iter(pools[key]))].add(key)
    return {key: sessions - {key} for sessions in by_pool.values() if len(sessions) > 1 for key in sessions}
