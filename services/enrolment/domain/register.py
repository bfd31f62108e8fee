"""What the rules see of the store: values by id, changed in place of one another; nothing here waits or writes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from services.enrolment.domain.edition import Edition
from services.enrolment.domain.values import Enrolment, Live, Pool, SessionCount, SessionKey, Turn


class Register(Protocol):
    """The store as one decision sees it; reading after keeping gives what was kept."""

    def edition(self, id: str) -> Edition | None:
        """Return the edition with this id."""

    def require_editions(self, ids: Iterable[str]) -> None:
        """Say that these editions will be asked for, so that they are read together."""

    def pool(self, id: str) -> Pool | None:
        """Return the pool with this id."""

    def count(self, key: SessionKey) -> SessionCount:
        """Return the count of a session; all zero where nobody enrolled yet."""

    def enrolment(self, id: str) -> Enrolment | None:
        """Return the enrolment with this id."""

    def live(self, key: str) -> Live | None:
        """Return who holds the live enrolment of the participant with this key."""

    def turn(self, id: str) -> Turn | None:
        """Return the turn with this id."""

    def turns(self, pool: Pool, depth: int) -> tuple[Sequence[Turn], bool]:
        """Return the first turns of all sessions of a pool in order, and whether these are all of them."""

    def holders(self, key: SessionKey, most: int) -> tuple[Sequence[Enrolment], bool]:
        """Return some enrolments with a place in this session or a turn for it, and whether these are all of them."""

    def lags(self, pool: str) -> bool:
        """Say whether an earlier decision left this pool's waiting list to be served further."""

    def shown_free(self, pool: str, session: SessionKey) -> int | None:
        """Return how many seats a session had before its pool's list was served further; None where it is not."""

    def keep_edition(self, edition: Edition) -> None:
        """Keep an edition."""

    def keep_pool(self, pool: Pool) -> None:
        """Keep a pool."""

    def keep_count(self, count: SessionCount) -> None:
        """Keep a session's count."""

    def keep_enrolment(self, enrolment: Enrolment) -> None:
        """Keep an enrolment."""

    def keep_live(self, key: str, live: Live | None) -> None:
        """Keep who holds a participant's live enrolment; None where it ended."""

    def keep_turn(self, turn: Turn) -> None:
        """Keep a turn."""

    def strike_turn(self, turn: Turn) -> None:
        """Remove a turn from its waiting list."""
