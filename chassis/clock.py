"""The time: by this machine's clock, held against the database's: one that is minutes off must cost nobody a request.

All replicas share the database's clock, so where the two disagree, decisions go by that one; and a request is said to
come from the future only where both say so. A service has one clock, and hands it to whatever asks for the time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import structlog
from pymongo.errors import PyMongoError

from chassis import metrics
from chassis.documents import Document
from chassis.mongo import Database

log = structlog.get_logger()

COMPARE_EVERY_S = 15.0
TOLERATED = timedelta(seconds=5)
"""Clocks that are kept right differ by less, and asking takes its time."""
WRONG = timedelta(seconds=60)


COLLECTION, ID = "clock", "clock"
LOOK_EVERY_S = 0.25


def ahead_by(kept: Document) -> timedelta:
    """Read how far a clock that can be set is ahead, from what is kept of it."""
    return timedelta(milliseconds=kept["aheadMs"])


def by_this_machine() -> datetime:
    """Return the time as this machine has it."""
    return datetime.now(UTC)


def measured_ns() -> int:
    """Return this machine's time in nanoseconds since 1970, for spans and metrics: nothing is decided by it."""
    return time.time_ns()


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

    async def prepare(self) -> None:
        """Compare once; and take away what says that this clock can be set, if it ever could."""
        await self._database[COLLECTION].delete_one({"_id": ID})
        await self.compare()

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


class SettableClock(Clock):
    """A clock that `instroom clock` sets forward, for a stack on which anything may be tried.

    How far it is ahead stands in the service's database, for all replicas; who finds no document there has a clock that
    cannot be set. Leases and claims go by the database's own clock all the same: they are about processes.
    """

    _ahead = timedelta()

    def now(self) -> datetime:
        """Return the time that it was set to, and what has passed since."""
        return super().now() + self._ahead

    def latest(self) -> datetime:
        """Return the same by the later of the two clocks."""
        return super().latest() + self._ahead

    async def prepare(self) -> None:
        """Compare once, and be one that can be set."""
        none = {"$setOnInsert": {"aheadMs": 0}}
        await self._database[COLLECTION].update_one({"_id": ID}, none, upsert=True)
        await self.look()
        await self.compare()

    async def run(self) -> None:
        """Compare again and again, and look oftener whether somebody has set it."""
        async with asyncio.TaskGroup() as both:
            both.create_task(super().run())
            both.create_task(self._follow())

    async def _follow(self) -> None:
        while True:
            with suppress(PyMongoError):
                await self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Read how far it is ahead; it never goes back, whatever stands there."""
        found = await self._database[COLLECTION].find_one({"_id": ID})
        ahead = ahead_by(found) if found else timedelta()
        if ahead > self._ahead:
            self._ahead = ahead
            log.warning("clock_set", seconds=round(ahead.total_seconds()))
