"""Somebody outside, who hears every fact and knows what the catalogue said when: they keep books of their own."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import product

from instroom_contracts.catalog import EditionPublished
from tests.e2e.world import Fact

Key = tuple[str, str]
"""A session: its edition's id and its own."""

ENDLESS = datetime.max.replace(tzinfo=UTC)
BATCH = timedelta(milliseconds=200)
"""A batch has one time, taken before anything is read: so much earlier than it is decided its facts may say it was."""


class Rooms:
    """Which session is in which room, how many seats that has, and which sessions go ahead."""

    def __init__(self, editions: Sequence[EditionPublished]) -> None:
        self.of: dict[Key, str] = {}
        self.going_ahead: set[Key] = set()
        self._seats: dict[Key, int | None] = {}
        for edition in editions:
            for session in edition.sessions:
                key = (edition.edition_id, session.session_id)
                self.of[key] = f"{edition.provider}:{session.pool}" if session.pool else "/".join(key)
                self._seats[key] = session.capacity
                if "cancelled" not in {edition.state, session.state}:
                    self.going_ahead.add(key)

    def free(self, room: str, seated: Mapping[Key, Collection[str]]) -> float:
        """Return how many seats of a room are free with these people seated; below nought where there are too few."""
        sharing = {key for key, of in self.of.items() if of == room}
        named = [self._seats[key] for key in sharing & self.going_ahead or sharing]
        offered = min((seats for seats in named if seats is not None), default=float("inf"))
        return offered - sum(len(seated[key]) for key in sharing)


@dataclass
class Said:
    """What the catalogue said of an edition, from when it was published until something later was kept."""

    edition: EditionPublished
    since: datetime
    until: datetime = ENDLESS


@dataclass
class Catalogue:
    """What was published, by edition, oldest first."""

    said: dict[str, list[Said]] = field(default_factory=lambda: defaultdict(list))

    def says(self, edition: EditionPublished) -> None:
        """Note that an edition is published now."""
        self.said[edition.edition_id].append(Said(edition, datetime.now(UTC)))

    def is_kept(self, edition_id: str, version: int) -> None:
        """Note that nothing is decided by an earlier version of an edition any more."""
        for one in self.said[edition_id]:
            if one.edition.version < version:
                one.until = min(one.until, datetime.now(UTC))

    def rooms(self, at: datetime) -> list[Rooms]:
        """Return what a decision of this moment may have gone by."""
        possible = [
            [one.edition for one in every if one.since - BATCH <= at <= one.until] for every in self.said.values()
        ]
        return [Rooms(editions) for editions in product(*possible)]


@dataclass
class Waiting:
    """A party on a waiting list; one that is `particular` wants all of its places or none."""

    members: set[str]
    since: datetime
    particular: bool


@dataclass
class Books:
    """Who is seated and who waits, by what is told; `offences` are the promises that this saw broken."""

    catalogue: Catalogue
    particular: set[str]
    """The requests that want all or nothing."""
    seated: dict[Key, set[str]] = field(default_factory=lambda: defaultdict(set))
    waiting: dict[Key, dict[str, Waiting]] = field(default_factory=lambda: defaultdict(dict))
    versions: Counter[Key] = field(default_factory=Counter)
    offences: list[str] = field(default_factory=list)
    _party: dict[str, str] = field(default_factory=dict)

    def read(self, fact: Fact) -> None:
        """Enter a fact."""
        data, at = fact["data"], datetime.fromisoformat(fact["time"])
        for key, version in sorted(_versions(data)):
            if version != self.versions[key] + 1:
                self.offences.append(f"{key}: version {version} was told after {self.versions[key]}")
            self.versions[key] = version
        match fact["kind"]:
            case "enrolment-confirmed" | "enrolment-queued":
                self._answered(data, at, particular=fact["correlationid"] in self.particular)
            case "place-confirmed":
                self._seat((data["editionId"], data["sessionId"]), {data["enrolmentId"]}, at)
            case "place-released":
                self._release((data["editionId"], data["sessionId"]), data["enrolmentId"])

    def _answered(self, data: Fact, at: datetime, *, particular: bool) -> None:
        places: dict[tuple[str, str], set[str]] = defaultdict(set)
        for member in (data, *data.get("companions", ())):
            self._party[member["enrolmentId"]] = data["enrolmentId"]
            for place in member["places"]:
                places[place["sessionId"], place["state"]].add(member["enrolmentId"])
        for (session_id, state), members in places.items():
            key = (data["editionId"], session_id)
            if state == "confirmed":
                self._seat(key, members, at)
            else:
                self.waiting[key][data["enrolmentId"]] = Waiting(members, at, particular)

    def _seat(self, key: Key, members: set[str], at: datetime) -> None:
        """Seat members of one party; say so where there was no seat, or somebody came before them."""
        party = self._party[next(iter(members))]
        turn, rooms = self.waiting[key].get(party), self.catalogue.rooms(at)
        since, size = (turn.since, len(turn.members)) if turn else (at, len(members))
        for who in self._overtaken(key, party, since, size, rooms):
            self.offences.append(f"{party} got a seat in {key} while {who} waited longer")
        for member in members:
            self._release(key, member)
        self.seated[key] |= members
        if not any(room.free(room.of[key], self.seated) >= 0 for room in rooms):
            self.offences.append(f"{party} got a seat in {key}, and there was none")

    def _overtaken(self, key: Key, party: str, since: datetime, size: int, rooms: list[Rooms]) -> Iterator[str]:
        """Name those who waited longer in a session of the same room, are no more, and content with that seat."""
        for other, turns in self.waiting.items():
            if not all(other in room.going_ahead and room.of[other] == room.of[key] for room in rooms):
                continue
            for who, turn in turns.items():
                if other == key and who == party:
                    break
                longer = other == key or turn.since < since - BATCH
                if longer and len(turn.members) <= size and not turn.particular:
                    yield f"{who} in {other}"

    def _release(self, key: Key, enrolment: str) -> None:
        party = self._party[enrolment]
        self.seated[key].discard(enrolment)
        if turn := self.waiting[key].get(party):
            turn.members.discard(enrolment)
            if not turn.members:
                del self.waiting[key][party]

    def idle(self) -> list[str]:
        """Name the parties that wait although there are seats for them, as things are now."""
        (rooms,) = self.catalogue.rooms(datetime.now(UTC) + BATCH)
        return [party for party, wanted in self._wanted(rooms) if self._fits(wanted, rooms)]

    def _wanted(self, rooms: Rooms) -> Iterator[tuple[str, Counter[str]]]:
        """Give what each party waits for: so many seats of a room, or of several at once."""
        together: dict[str, Counter[str]] = defaultdict(Counter)
        for key in rooms.going_ahead:
            for party, turn in self.waiting[key].items():
                wanted = Counter({rooms.of[key]: len(turn.members)})
                if turn.particular:
                    together[party] += wanted
                else:
                    yield party, wanted
        yield from together.items()

    def _fits(self, wanted: Counter[str], rooms: Rooms) -> bool:
        return all(seats <= rooms.free(room, self.seated) for room, seats in wanted.items())


def _versions(data: Fact) -> Iterator[tuple[Key, int]]:
    if "sessionVersion" in data:
        yield (data["editionId"], data["sessionId"]), data["sessionVersion"]
    for member in (data, *data.get("companions", ())):
        for place in member.get("places", ()):
            yield (data["editionId"], place["sessionId"]), place["sessionVersion"]
