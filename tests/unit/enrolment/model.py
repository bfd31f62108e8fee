"""A second, independent reading of the rules of seats: the parties in the order of their decisions, and a loop."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime


@dataclass
class Party:
    """A participant with companions: how many of them come to each session, and where they are seated."""

    size: Counter[str]
    all_or_nothing: bool
    seated: set[str] = field(default_factory=set)


@dataclass
class Model:
    """Seats as a course desk would keep them on paper.

    `pool_of` and `starts` are by session, `capacity` by pool; None is no limit and no date.
    """

    pool_of: dict[str, str]
    starts: dict[str, datetime | None]
    capacity: dict[str, int | None]
    parties: dict[str, Party] = field(default_factory=dict)

    def enrol(self, id: str, party: Party, now: datetime) -> None:
        """Put a party at the end of the line."""
        self.parties[id] = party
        self.serve(now)

    def cancel(self, id: str, now: datetime) -> None:
        """Take a party out of the line."""
        del self.parties[id]
        self.serve(now)

    def shrink(self, id: str, session_ids: set[str], now: datetime) -> None:
        """Take one companion out of a party."""
        self.parties[id].size.subtract(session_ids)
        self.serve(now)

    def offer(self, pool: str, capacity: int | None, now: datetime) -> None:
        """Change the number of seats."""
        self.capacity[pool] = capacity
        self.serve(now)

    def call_off(self, session_ids: set[str], now: datetime) -> None:
        """Strike sessions from everybody's wishes; who wanted nothing else leaves the line."""
        for id, party in list(self.parties.items()):
            for session in session_ids & set(party.size):
                del party.size[session]
                party.seated.discard(session)
            if not party.size:
                del self.parties[id]
        self.serve(now)

    def move(self, pool_of: dict[str, str], pool: str, capacity: int | None, now: datetime) -> None:
        """Have sessions take their seats from other pools, and change the number of seats of one at the same time."""
        self.pool_of.update(pool_of)
        self.offer(pool, capacity, now)

    def serve(self, now: datetime) -> None:
        """Walk along the line once and seat whoever fits."""
        for party in self.parties.values():
            waiting = set(party.size) - party.seated
            if party.all_or_nothing:
                if waiting and self.fits(party, waiting, now):
                    party.seated |= waiting
                continue
            for session in party.size:
                if session in waiting and self.fits(party, {session}, now):
                    party.seated.add(session)

    def fits(self, party: Party, sessions: set[str], now: datetime) -> bool:
        """Say whether these sessions are still to come and have seats for the party together."""
        wanted: Counter[str] = Counter()
        for session in sessions:
            wanted[self.pool_of[session]] += party.size[session]
        to_come = all(start is None or now < start for start in map(self.starts.__getitem__, sessions))
        return to_come and all(seats <= self.free(pool) for pool, seats in wanted.items())

    def free(self, pool: str) -> float:
        """Return how many seats can be given; none where more are held than offered."""
        capacity = self.capacity[pool]
        return float("inf") if capacity is None else max(0, capacity - self.taken(pool))

    def taken(self, pool: str) -> int:
        """Count the seats given."""
        parties = self.parties.values()
        return sum(party.size[id] for party in parties for id in party.seated if self.pool_of[id] == pool)


class Onlooker(Model):
    """Knows how many seats there are, and nothing of who has them."""

    def enrol(self, id: str, party: Party, now: datetime) -> None:
        """Look on."""

    def cancel(self, id: str, now: datetime) -> None:
        """Look on."""

    def shrink(self, id: str, session_ids: set[str], now: datetime) -> None:
        """Look on."""
