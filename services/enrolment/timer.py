"""The timer: ends the waiting of requests whose edition did not come in time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from pymongo.errors import PyMongoError

from chassis.handling import Hears
from chassis.mongo import Database
from chassis.service import Running
from instroom_contracts.cloudevent import CloudEvent, new_event
from services.enrolment.internal import ParkingExpired
from services.enrolment.storage import PARKED

log = structlog.get_logger()

LOOK_EVERY_S = 0.5
MOST_AT_ONCE = 200


@dataclass(frozen=True)
class Timer:
    """Looks for requests that have waited long enough, and has the committer decide them like any message."""

    hears: Hears
    source: str

    async def run(self, running: Running) -> None:
        """Look until cancelled; trouble with the database is waited out."""
        while True:
            try:
                expired = await self._expired(running.database)
            except PyMongoError as error:
                log.warning("timer_interrupted", error=type(error).__name__)
                expired = []
            await asyncio.gather(*(running.consumer.ask(self.hears, self._event(id)) for id in expired))
            if len(expired) < MOST_AT_ONCE:
                await asyncio.sleep(LOOK_EVERY_S)

    async def _expired(self, database: Database) -> list[str]:
        due = database[PARKED.collection].find({"until": {"$lte": datetime.now(UTC)}}, {"_id": 1})
        return [document["_id"] for document in await due.sort("until", 1).limit(MOST_AT_ONCE).to_list(None)]

    def _event(self, expired: str) -> CloudEvent[ParkingExpired]:
        """Make an event for one request alone, so that one that fails takes no others along."""
        return new_event(ParkingExpired(requests=(expired,)), source=self.source)
