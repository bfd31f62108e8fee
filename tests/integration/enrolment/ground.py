"""The enrolment service's committer on a real database, without a broker: messages in, documents and facts out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chassis.clock import Clock
from chassis.committer import Committer, Limits
from chassis.consumer import Consumer
from chassis.deciding import Received
from chassis.documents import Document, Kind
from chassis.kept import make
from chassis.mongo import Database, Driver, Mongo
from chassis.outbox import Teller
from chassis.service import KEPT, Task
from instroom_contracts.cloudevent import CloudEvent, data_digest, decode, encode
from services.enrolment.app import TELLS, hears, prepare
from services.enrolment.storage import schema
from tests.support.place import Place
from tests.unit.enrolment.examples import POLICY

SOURCE = "urn:nld:oin:00000001823288444000:systeem:instroom-enrolment"
HEARS = {heard.model: heard for heard in hears(POLICY)}


@dataclass(frozen=True)
class Ground:
    """A prepared database."""

    mongo: Mongo
    database: Database

    def committer(self) -> Committer:
        """Return a committer, as a process of its own would have."""
        return Committer(
            self.mongo, self.database, Teller.of(SOURCE, TELLS), after_commit=lambda: None, clock=Clock(self.database)
        )

    async def clear(self) -> None:
        """Empty every collection."""
        for name in await self.database.list_collection_names():
            await self.database[name].delete_many({})

    async def rows(self, collection: str) -> list[Document]:
        """Return every document of a collection, by id."""
        return await self.database[collection].find({}).sort("_id", 1).to_list(None)

    async def all(self, kind: Kind[Any]) -> dict[str, Any]:
        """Return every value of a kind by its id."""
        return {row["_id"]: kind.read(row) for row in await self.rows(kind.collection)}

    async def told(self) -> list[str]:
        """Return the types of everything that was told, in order."""
        return [event["type"] for row in await self.rows("outbox") for event in row["events"]]


class Process:
    """Just so much of a running service as a task of it needs."""

    def __init__(self, ground: Ground) -> None:
        self.database = ground.database
        committer = ground.committer()
        self.clock = committer.clock
        self.consumer = Consumer(committer, {}, Limits(50, 0))


@asynccontextmanager
async def at_work(ground: Ground, task: Task) -> AsyncIterator[None]:
    """Run a process that decides, and a task of the service in it, for the length of the block."""
    process: Any = Process(ground)
    tasks = [asyncio.create_task(process.consumer.run()), asyncio.create_task(task(process))]
    try:
        yield
    finally:
        await process.consumer.stop()
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def open_ground(place: Place, driver: Driver) -> AsyncIterator[Ground]:
    """Provide a prepared database for the length of the block."""
    mongo = Mongo(place.mongo_url, driver=driver)
    try:
        database = mongo.database(place.database("enrolment"))
        await make(database, (*KEPT, *schema.KEPT))
        await prepare(database, datetime.now(UTC))
        yield Ground(mongo, database)
    finally:
        await mongo.close()


def received(events: Sequence[CloudEvent[Any]]) -> list[Received]:
    """Make messages of events, as they would arrive from the broker."""
    return [_received(event) for event in events]


def _received(event: CloudEvent[Any]) -> Received:
    wire, heard = encode(event), HEARS[type(event.data)]
    arrived = decode(wire.body, model=heard.model, content_type=wire.content_type)
    digest = data_digest(wire.body, content_type=wire.content_type)
    return Received(heard, "", wire.body, wire.content_type, {}, arrived, digest)
