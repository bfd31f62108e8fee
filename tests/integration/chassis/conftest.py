"""A database of its own for each test, on both drivers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import structlog

from chassis import logs
from chassis.clock import Clock
from chassis.committer import Committer
from chassis.mongo import Database, Driver, Mongo
from chassis.outbox import Teller
from tests.support.place import Place
from tests.unit.chassis.toy import SOURCE, TELLS


@pytest.fixture(autouse=True)
def _service_logs() -> Iterator[None]:
    """Log as a service does."""
    logs.configure("toy", "info")
    yield
    structlog.reset_defaults()


@pytest.fixture(params=["motor", "pymongo"])
def driver(request: pytest.FixtureRequest) -> Driver:
    """Run the test once with each driver."""
    chosen: Driver = request.param
    return chosen


@pytest.fixture
async def mongo(place: Place, driver: Driver) -> AsyncIterator[Mongo]:
    """Provide a connection."""
    connection = Mongo(place.mongo_url, driver=driver)
    yield connection
    await connection.close()


@pytest.fixture
def database(place: Place, mongo: Mongo) -> Database:
    """Provide a database that goes with the test."""
    return mongo.database(place.database("toy"))


@pytest.fixture
def committer(mongo: Mongo, database: Database) -> Committer:
    """Provide the committer of the toy service."""
    return Committer(mongo, database, Teller.of(SOURCE, TELLS), after_commit=lambda: None, clock=Clock(database))


async def rows(database: Database, collection: str) -> list[dict[str, Any]]:
    """Return every document of a collection, by id."""
    return await database[collection].find({}).sort("_id", 1).to_list(None)


async def told(database: Database) -> list[dict[str, Any]]:
    """Return the events in the outbox, in the order in which they would be published."""
    return [event for row in await rows(database, "outbox") for event in row["events"]]
