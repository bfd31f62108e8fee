"""The schedule: has what is due handled, until nothing is (see `due.py`)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

import structlog
from pymongo.errors import PyMongoError

from chassis.documents import Document
from chassis.due import DUE, Due
from chassis.handling import Hears
from chassis.lease import Lease
from chassis.mongo import Database
from chassis.resting import Resting
from chassis.service import Running
from instroom_contracts.cloudevent import CloudEvent, new_event, type_of

log = structlog.get_logger()

LOOK_EVERY_S = 0.5
AT_ONCE = 20
LEASE_S = 5.0
"""After so long another process goes on where one died: somebody may be waiting for an answer."""


@dataclass
class Schedule:
    """Has handlers do what is due: what has been due for longest comes first, by one process at a time.

    Of `portions` one is handed out at a time, since each is as much as a commit should be; what is `small` together.
    Where a handler fails, that rests for a while and what is behind it comes first.
    """

    portions: tuple[Hears, ...]
    small: tuple[Hears, ...]
    source: str
    _resting: Resting = field(default_factory=lambda: Resting(2 * LOOK_EVERY_S))

    async def run(self, running: Running) -> None:
        """Go on until cancelled; trouble with the database is waited out."""
        lease = Lease(running.database, "schedule", seconds=LEASE_S)
        try:
            while True:
                if not await self._did_some(running, lease):
                    await asyncio.sleep(LOOK_EVERY_S)
        finally:
            with suppress(PyMongoError):
                await lease.give_up()

    async def _did_some(self, running: Running, lease: Lease) -> bool:
        try:
            due = await self._next(running) if await lease.hold() else []
            asked = {document["_id"]: event for document in due if (event := self._read(document))}
            await asyncio.gather(*(running.consumer.ask(*event) for event in asked.values()))
            await self._note([document for document in due if document["_id"] in asked], running.database)
        except PyMongoError as error:
            log.warning("schedule_interrupted", error=type(error).__name__)
            return False
        return bool(due)

    def _read(self, due: Document) -> tuple[Hears, CloudEvent[Any]] | None:
        """Read what is due; what cannot be read rests like what fails, since it is wrong with this alone."""
        try:
            return as_event(DUE.read(due), (*self.portions, *self.small), self.source)
        except Exception as error:  # noqa: BLE001  whoever spoilt it, what else is due goes on
            why = type(error).__name__
        pause = self._resting.failed(due["_id"])
        log.error("due_unreadable", event_id=due.get("event"), type=due["type"], error=why, seconds=pause)
        return None

    async def _next(self, running: Running) -> list[Document]:
        """Find what has been due for longest: a portion alone, or what is small up to the next portion."""
        portions, small = ([type_of(hears.model) for hears in some] for some in (self.portions, self.small))
        types = {"$in": [*portions, *small]}
        known = {"at": {"$lte": running.clock.now()}, "type": types, "_id": {"$nin": self._resting.keys()}}
        found = await running.database[DUE.collection].find(known).sort("at", 1).limit(AT_ONCE).to_list(None)
        return [*takewhile(lambda one: one["type"] in small, found)] or found[:1]

    async def _note(self, asked: Sequence[Document], database: Database) -> None:
        """Let rest what was not done, longer each time: its handler failed."""
        keys = {"_id": {"$in": [one["_id"] for one in asked]}}
        there = await database[DUE.collection].find(keys, {"event": 1}).to_list(None)
        left = {(one["_id"], one["event"]) for one in there}
        for one in asked:
            if (one["_id"], one["event"]) not in left:  # done, or planned anew
                self._resting.done(one["_id"])
                continue
            pause = self._resting.failed(one["_id"])
            log.warning("due_failed", event_id=one["event"], type=one["type"], seconds=pause)


def as_event(due: Due, heard: Iterable[Hears], source: str) -> tuple[Hears, CloudEvent[Any]]:
    """Return the event that does this, and who handles it."""
    hears = next(one for one in heard if type_of(one.model) == due.type)
    event = new_event(
        hears.model.model_validate(due.data),
        source=source,
        id=due.event,
        time=due.moment,
        correlationid=due.origin.id if due.origin else None,
        correlationsource=due.origin.source if due.origin else None,
        traceparent=due.origin.traceparent if due.origin else None,
    )
    return hears, event
