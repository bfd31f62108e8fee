"""One decision in the making: the moment it is judged at, what it changes, and what it tells."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from instroom_contracts.cloudevent import EventData
from instroom_contracts.enrolment import SessionFull, SessionReopened
from services.enrolment.domain import facts
from services.enrolment.domain.register import Register
from services.enrolment.domain.values import Pool, SessionKey


@dataclass(slots=True, eq=False)
class Decision:
    """What one event leads to. `moment` is the event's time; `told` grows in the order in which facts are told."""

    register: Register
    moment: datetime
    told: list[EventData] = field(default_factory=list)
    _free_before: dict[str, int] = field(default_factory=dict)

    def change_pool(self, before: Pool, after: Pool) -> None:
        """Keep a changed pool, and remember how many seats were free before this decision."""
        self._free_before.setdefault(before.id, before.free)
        self.register.keep_pool(after)

    def tell_availability(self) -> None:
        """Tell of every session whose pool this decision as a whole filled or reopened."""
        for pool_id, before in self._free_before.items():
            pool = self.register.pool(pool_id)
            if pool and (before > 0) != (pool.free > 0):
                self._tell_pool(pool)

    def _tell_pool(self, pool: Pool) -> None:
        """Tell of every session of this pool; that it reopened only where a seat is still of use."""
        for key in pool.sessions:
            if pool.free == 0:
                self._tell_seats(SessionFull, pool, key)
            elif self.still_offered(*key):
                self._tell_seats(SessionReopened, pool, key)

    def _tell_seats(self, fact: type[facts.SeatsFact], pool: Pool, key: SessionKey) -> None:
        """Tell with a version of its own, so that no two facts of one session share one.

        The fact names a capacity; that a limit was lifted altogether, EditionPublished has told.
        """
        if pool.capacity is None:
            return
        count = self.register.count(key).change()
        self.register.keep_count(count)
        self.told.append(facts.seats(fact, pool.capacity, count))

    def still_offered(self, edition_id: str, session_id: str) -> bool:
        """Say whether a seat in this session is of use at this moment: it goes ahead and has not begun."""
        edition = self.register.edition(edition_id)
        return edition is not None and edition.offers(session_id, self.moment)
