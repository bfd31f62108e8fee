"""The time by this machine's clock, held against the database's: one that is minutes off must cost nobody a request.

All replicas share the database's clock, so where the two disagree, decisions go by that one; and a request is said to
come from the future only where both say so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog
from pymongo.errors import PyMongoError

from chassis import metrics
from chassis.mongo import Database

log = structlog.get_logger()

COMPARE_EVERY_S = 15.0
TOLERATED = timedelta(seconds=5)
"""Clocks that are kept right differ by less, and asking takes its time."""
WRONG = timedelta(seconds=60)


def by_this_machine() -> datetime:
    """Return the time as this machine has it."""
    return datetime.now(UTC)


class Clock:
    """Tells the time; until it was compared with the database's, and while that is away, by the last comparison."""

    def __init__(self, database: Database, own: Callable[[], datetime] = by_this_machine) -> None:
        self._database = database
        self._own = own
        self._behind = timedelta()
        self._is_wrong = False

    def now(self) -> datetime:
        """Return the time: this machine's, or where that is off the database's."""
        return self._own() + (self._behind if abs(self._behind) > TOLERATED else timedelta())

    def latest(self) -> datetime:
        """Return the later of the two times, to judge what seems to lie in the future."""
        return self._own() + max(self._behind, timedelta())

    async def run(self) -> None:
        """Compare again and again; a database that is away says nothing about the clock."""
        while True:
            await self.compare()
            await asyncio.sleep(COMPARE_EVERY_S)

    async def compare(self) -> None:
        """Ask the database for its time."""
        asked = self._own()
        try:
            answer = await self._database.command("hello")
        except PyMongoError:
            return
        self._behind = answer["localTime"].replace(tzinfo=UTC) - (asked + (self._own() - asked) / 2)
        metrics.CLOCK_BEHIND.set(self._behind.total_seconds())
        self._say()

    def _say(self) -> None:
        is_wrong = abs(self._behind) > WRONG
        if is_wrong and not self._is_wrong:
            log.error("clock_differs", seconds=round(self._behind.total_seconds()))
        self._is_wrong = is_wrong
