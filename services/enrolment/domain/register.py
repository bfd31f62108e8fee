"""What the rules see of the store: values by id, changed in place of one another; nothing here waits or writes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from services.enrolment.domain.edition import Edition
from services.enrolment.domain.enrolment import Enrolment, Live
from services.enrolment.domain.ids import SessionKey
from services.enrolment.domain.seats import Pool, SessionCount, Turn

T = TypeVar("T")


class Repository(Protocol[T]):
    """Values of one kind; reading after keeping gives what was kept."""

    def get(self, id: str) -> T | None:
        """Return the value with this id."""

    def keep(self, value: T) -> None:
        """Keep a value under its id, in the place of what was there."""

    def remove(self, id: str) -> None:
        """Keep nothing under this id any more."""


class Register(Protocol):
    """The store as one decision sees it."""

    @property
    def editions(self) -> Repository[Edition]:
        """The editions, by their ids."""

    @property
    def pools(self) -> Repository[Pool]:
        """The pools of seats."""

    @property
    def counts(self) -> Repository[SessionCount]:
        """The counts of sessions in which anybody enrolled (see `count_of`)."""

    @property
    def enrolments(self) -> Repository[Enrolment]:
        """The enrolments, also those that have ended."""

    @property
    def live(self) -> Repository[Live]:
        """Who has a participant's live enrolment, by the participant's key."""

    @property
    def turns(self) -> Repository[Turn]:
        """The turns on waiting lists."""

    def first_turns(self, pool: Pool, depth: int) -> tuple[Sequence[Turn], bool]:
        """Return the first turns of all sessions of a pool in order, and whether these are all of them."""

    def holders(self, key: SessionKey, most: int) -> tuple[Sequence[Enrolment], bool]:
        """Return some enrolments with a place in this session or a turn for it, and whether these are all of them."""

    def require_editions(self, ids: Iterable[str]) -> None:
        """Say that these editions will be asked for, so that they are read together."""

    def lags(self, pool: str) -> bool:
        """Say whether an earlier decision left this pool's waiting list to be served further."""

    def shown_free(self, pool: str, session: SessionKey) -> int | None:
        """Return how many seats a session had before its pool's list was served further; None where it is not."""


def count_of(register: Register, session: SessionKey) -> SessionCount:
    """Return the count of a session; all zero where nobody enrolled yet."""
    return register.counts.get("/".join(session)) or SessionCount(*session)
