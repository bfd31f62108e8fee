"""Going on with long work: has what handlers left undone handled, until nothing is left (see `portions.py`)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import structlog
from pymongo.errors import PyMongoError

from chassis.documents import Document
from chassis.handling import Hears
from chassis.lease import Lease
from chassis.mongo import Database
from chassis.portions import UNFINISHED, Unfinished
from chassis.resting import Resting
from chassis.service import Running
from instroom_contracts.cloudevent import CloudEvent, new_event, type_of

log = structlog.get_logger()

LOOK_EVERY_S = 0.5


@dataclass
class Resuming:
    """Has handlers go on with what they left: one portion at a time, by one process at a time.

    Where a handler fails, its work rests for a while and others' goes on.
    """

    hears: tuple[Hears, ...]
    source: str
    _resting: Resting = field(default_factory=lambda: Resting(2 * LOOK_EVERY_S))

    async def run(self, running: Running) -> None:
        """Go on until cancelled; trouble with the database is waited out."""
        lease = Lease(running.database, "portions")
        try:
            while True:
                if not await self._went_on(running, lease):
                    await asyncio.sleep(LOOK_EVERY_S)
        finally:
            with suppress(PyMongoError):
                await lease.give_up()

    async def _went_on(self, running: Running, lease: Lease) -> bool:
        try:
            left = await self._next(running.database) if await lease.hold() else None
            if left is not None:
                await running.consumer.ask(*portion(UNFINISHED.read(left), self.hears, self.source))
                await self._note(left, running.database)
        except PyMongoError as error:
            log.warning("portions_interrupted", error=type(error).__name__)
            return False
        return left is not None

    async def _next(self, database: Database) -> Document | None:
        types = [type_of(hears.model) for hears in self.hears]
        known = {"type": {"$in": types}, "_id": {"$nin": self._resting.keys()}}
        found = database[UNFINISHED.collection].find(known).sort("since", 1).limit(1)
        return next(iter(await found.to_list(None)), None)

    async def _note(self, asked: Document, database: Database) -> None:
        """Let work rest that was not gone on with, longer each time: its handler failed."""
        key = asked["_id"]
        same = {"_id": key, "event": asked["event"]}
        if await database[UNFINISHED.collection].find_one(same, {"_id": 1}) is None:
            self._resting.done(key)
            return
        pause = self._resting.failed(key)
        log.warning("portion_failed", event_id=asked["event"], type=asked["type"], seconds=pause)


def portion(left: Unfinished, heard: Iterable[Hears], source: str) -> tuple[Hears, CloudEvent[Any]]:
    """Return the event that goes on with this, and who handles it."""
    hears = next(one for one in heard if type_of(one.model) == left.type)
    event = new_event(
        hears.model.model_validate(left.data),
        source=source,
        id=left.id,
        time=left.moment,
        correlationid=left.cause.id if left.cause else None,
        correlationsource=left.cause.source if left.cause else None,
        traceparent=left.cause.traceparent if left.cause else None,
    )
    return hears, event
