"""A database with a ledger for each test, on both drivers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import get_args

import pytest

from chassis.mongo import Driver, Mongo
from services.notification.storage.kinds import prepare
from tests.integration.notification.world import World
from tests.support.place import Place


@pytest.fixture(params=get_args(Driver))
async def world(place: Place, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """Provide a database on each driver."""
    mongo = Mongo(place.mongo_url, driver=request.param)
    database = mongo.database(place.database("notification"))
    await prepare(database)
    yield World(mongo, database)
    await mongo.close()
