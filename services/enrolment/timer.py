"""The timer: ends the waiting of requests whose edition did not come in time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from pymongo.errors import PyMongoError

from chassis.chance import new_id
from chassis.documents import Document
from chassis.handling import Hears
from chassis.mongo import Database
from chassis.resting import Resting
from chassis.service import Running
from instroom_contracts.cloudevent import CloudEvent, new_event
from services.enrolment.internal import ParkingExpired
from services.enrolment.storage import PARKED

log = structlog.get_logger()

LOOK_EVERY_S = 0.5
MOST_AT_ONCE = 200


@dataclass(frozen=True)
class Timer:
    """Looks for requests that have waited long enough, and has the committer decide them like any message.

    One that the handler fails on rests for a while, longer each time; those behind it come before it then.
    """

    hears: Hears
    source: str
    _resting: Resting = field(default_factory=lambda: Resting(2 * LOOK_EVERY_S))

    async def run(self, running: Running) -> None:
        """Look until cancelled; trouble with the database is waited out."""
        while True:
            try:
                many = await self._ended(running)
            except PyMongoError as error:
                log.warning("timer_interrupted", error=type(error).__name__)
                many = False
            if not many:
                await asyncio.sleep(LOOK_EVERY_S)

    async def _ended(self, running: Running) -> bool:
        """Have those decided that have waited for longest; say whether there may be others."""
        now = running.clock.now()
        over: Document = {"until": {"$lte": now}, "_id": {"$nin": self._resting.keys()}}
        ids = await self._found(running.database, over)
        await asyncio.gather(*(running.consumer.ask(self.hears, self._event(id, now)) for id in ids))
        if ids:
            self._note(ids, await self._found(running.database, {"_id": {"$in": ids}}))
        return len(ids) == MOST_AT_ONCE

    async def _found(self, database: Database, which: Document) -> list[str]:
        found = database[PARKED.collection].find(which, {"_id": 1}).sort("until", 1).limit(MOST_AT_ONCE)
        return [document["_id"] for document in await found.to_list(None)]

    def _note(self, asked: Sequence[str], left: Sequence[str]) -> None:
        """Let those rest that are waiting still: the handler failed on them."""
        for id in set(asked).difference(left):
            self._resting.done(id)
        for id in left:
            log.warning("parked_request_failed", event_id=id, seconds=self._resting.failed(id))

    def _event(self, expired: str, now: datetime) -> CloudEvent[ParkingExpired]:
        """Make an event for one request alone, so that one that fails takes no others along."""
        return new_event(ParkingExpired(requests=(expired,)), source=self.source, id=new_id(), time=now)
