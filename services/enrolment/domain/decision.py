"""One decision in the making: the moment it is judged at, what it changes, and what it tells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from instroom_contracts.cloudevent import EventData
from services.enrolment.domain.edition import own_pool
from services.enrolment.domain.ids import SessionKey
from services.enrolment.domain.register import Register
from services.enrolment.domain.seats import Pool

PORTION = 200
"""How many places one decision gives or takes at most beyond what it was asked for; the rest follows in portions."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True, eq=False)
class Decision:
    """What one event leads to.

    `moment` is the event's time, which rules are judged by; `now` is when it is decided, which turns on waiting lists
    are numbered by. `told` grows in the order in which facts are told. `spare` is how many seats may be given on still,
    those that it gave back itself among them. `behind` are the pools whose waiting lists are to be served further after
    this decision.
    """

    register: Register
    moment: datetime
    now: datetime
    told: list[EventData] = field(default_factory=list)
    behind: set[str] = field(default_factory=set)
    spare: int = field(default_factory=lambda: PORTION)
    _free_before: dict[str, int] = field(default_factory=dict)
    _came_from: dict[SessionKey, int] = field(default_factory=dict)

    @property
    def number(self) -> int:
        """Return when this is decided, in microseconds since 1970."""
        return microseconds(self.now)

    def change_pool(self, before: Pool, after: Pool) -> None:
        """Keep a changed pool, and remember how many seats were free before this decision."""
        self._free_before.setdefault(before.id, before.free)
        self.spare += before.taken - after.taken
        self.register.pools.keep(after)

    def resume(self, pool_id: str, free: int) -> None:
        """Go on with a pool that had so many free seats before the work on its waiting list began."""
        self._free_before[pool_id] = free

    def moved(self, session: SessionKey, free_before: int) -> None:
        """Note how many seats a session had to offer before it came to another pool."""
        self._came_from.setdefault(session, free_before)

    def moved_to(self, pool: Pool) -> dict[SessionKey, int]:
        """Return the sessions that came to a pool, with how many seats each had to offer before."""
        return {key: self._came_from[key] for key in pool.sessions if key in self._came_from}

    def free_before(self, pool: Pool) -> int:
        """Return how many seats of a pool were free before this decision."""
        return self._free_before.get(pool.id, pool.free)

    def shown_free(self, pool: Pool, session: SessionKey) -> int:
        """Return how many seats a session of this pool has to offer as far as that was told."""
        left = self.register.shown_free(pool.id, session)
        return self.free_before(pool) if left is None else left

    def lags(self, pool_id: str) -> bool:
        """Say whether a pool's waiting list is still being served, so that its free seats are not for others."""
        return pool_id in self.behind or self.register.lags(pool_id)

    def touched(self) -> Iterator[tuple[Pool, SessionKey, int]]:
        """Give every session of the pools that changed, with its pool and how many seats that had before.

        Of a pool that is being served further nothing is final yet.
        """
        for pool_id, before in self._free_before.items():
            pool = self.register.pools.get(pool_id)
            if pool and not self.lags(pool_id):
                for key in pool.sessions:
                    yield pool, key, self._came_from.get(key, before)

    def pool_id(self, session: SessionKey) -> str:
        """Return the id of the pool that a session takes its seats from now."""
        edition_id, session_id = session
        edition = self.register.editions.get(edition_id)
        return edition.pool_of(session_id) if edition else own_pool(edition_id, session_id)

    def goes_ahead(self, edition_id: str, session_id: str) -> bool:
        """Say whether a session takes place."""
        edition = self.register.editions.get(edition_id)
        return edition is not None and edition.goes_ahead(session_id)

    def still_offered(self, edition_id: str, session_id: str) -> bool:
        """Say whether a seat in this session is of use at this moment: it goes ahead and has not begun."""
        edition = self.register.editions.get(edition_id)
        return edition is not None and edition.offers(session_id, self.moment)


def microseconds(moment: datetime) -> int:
    """Return a moment in microseconds since 1970."""
    return (moment - EPOCH) // timedelta(microseconds=1)
