"""What the enrolment service tells itself; never on the broker."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from instroom_contracts.cloudevent import EventData
from instroom_contracts.fields import Many

Moved = Annotated[tuple[str, str, int], Field(strict=False)]
"""A session that came to a pool: its edition, its id, and how many seats it had to offer before."""


class WaitEnded(EventData):
    """Decide the requests that have waited long enough for this edition."""

    edition_id: str


class AsideTried(EventData):
    """Try again, alone, a request that was set aside: the id of its `parked` document, "source id"."""

    request: str


class EditionSettling(EventData):
    """Go on with taking in an edition: end places in those of these sessions that are off, decide who waited for it."""

    edition_id: str
    session_ids: Many[str] = ()


class PlacesUntold(EventData):
    """Go on with telling notification of places that 0.2.0 took back."""


class PoolServing(EventData):
    """Go on with giving a pool's free seats to its waiting list.

    `free` is how many there were when that began; `moved` are sessions that came to the pool since (edition, session),
    with how many seats they had to offer before.
    """

    pool: str
    free: int
    moved: Many[Moved] = ()

    def had(self, session: tuple[str, str]) -> int:
        """Return how many seats a session had to offer before: as it came, or as the pool was."""
        return next((had for *key, had in self.moved if tuple(key) == session), self.free)
