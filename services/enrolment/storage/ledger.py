"""The store as the rules see it, on the documents of one batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chassis.documents import ById, Documents, First
from chassis.due import left_of
from services.enrolment.domain.enrolment import Enrolment
from services.enrolment.domain.ids import SessionKey
from services.enrolment.domain.register import count_of
from services.enrolment.domain.seats import Pool, Turn
from services.enrolment.internal import PoolServing
from services.enrolment.storage.kinds import (
    EDITIONS,
    ENROLMENTS,
    ENROLMENTS_BY_SESSION,
    PARTICIPANTS,
    POOLS,
    SESSIONS,
    WAITING,
    WAITING_BY_SESSION,
)
from services.enrolment.storage.needs import to_end


class Ledger:
    """A `Register` (see `domain.register`) on `Documents`; all of it may raise `NotLoaded`."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self.editions = documents.of(EDITIONS)
        self.pools = documents.of(POOLS)
        self.counts = documents.of(SESSIONS)
        self.enrolments = documents.of(ENROLMENTS)
        self.live = documents.of(PARTICIPANTS)
        self.turns = documents.of(WAITING)

    def first_turns(self, pool: Pool, depth: int) -> tuple[Sequence[Turn], bool]:
        """Return the first turns of all sessions of a pool in order, and whether these are all of them.

        A session whose list is longer than was read bounds what is known of the others'. Their enrolments are read
        together: a batch of cancellations may seat them all.
        """
        self._documents.require(ById(SESSIONS, "/".join(key)) for key in pool.sessions)
        lists = ["/".join(key) for key in pool.sessions if count_of(self, key).waiting]
        self._documents.require(First(WAITING_BY_SESSION, session, depth) for session in lists)
        heads = [self._documents.first(WAITING_BY_SESSION, session, depth) for session in lists]
        known = [head.members[-1][1].number if head.members else 0 for head in heads if not head.complete]
        turns = [turn for head in heads for _, turn in head.members if turn.number <= min(known, default=turn.number)]
        self._documents.require(ById(ENROLMENTS, turn.enrolment_id) for turn in turns)
        return sorted(turns, key=lambda turn: turn.order), not known

    def holders(self, key: SessionKey, most: int) -> tuple[Sequence[Enrolment], bool]:
        """Return some enrolments with a place in this session or a turn for it, and whether these are all of them.

        What their ends will need is read together.
        """
        head = self._documents.first(ENROLMENTS_BY_SESSION, "/".join(key), most)
        holders = [enrolment for _, enrolment in head.members]
        self._documents.require(need for one in holders for need in to_end(one, self._documents))
        return holders, head.complete

    def require_editions(self, ids: Iterable[str]) -> None:
        """Raise `NotLoaded` for all of these editions that have not been read yet."""
        self._documents.require(ById(EDITIONS, id) for id in ids)

    def lags(self, pool: str) -> bool:
        """Say whether an earlier decision left this pool's waiting list to be served further."""
        return left_of(self._documents, PoolServing, pool) is not None

    def shown_free(self, pool: str, session: SessionKey) -> int | None:
        """Return how many seats a session had before its pool's list was served further; None where it is not."""
        left = left_of(self._documents, PoolServing, pool)
        return left.had(session) if left else None
