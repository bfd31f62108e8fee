"""A prepared database for each test, on both drivers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import get_args

import pytest

from chassis.mongo import Driver
from tests.integration.enrolment.ground import Ground, open_ground
from tests.support.place import Place


@pytest.fixture(params=get_args(Driver))
async def ground(place: Place, request: pytest.FixtureRequest) -> AsyncIterator[Ground]:
    """Provide a database on each driver."""
    async with open_ground(place, request.param) as opened:
        yield opened
