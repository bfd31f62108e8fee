"""Long work on real servers, in a service with nothing else to do: each document is worked on once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest

from chassis.due import DUE
from instroom_contracts.catalog import RepublishRequested
from instroom_contracts.cloudevent import new_event
from instroom_contracts.topology import PRIVATE
from tests.e2e.world import World, open_world
from tests.support.eventually import eventually
from tests.support.place import Place
from tests.support.running import ServiceProcess

DOCUMENTS = 50_000
OPERATOR = "urn:nld:oin:00000001823288444000:systeem:instroom-operator"


class Toy(ServiceProcess):
    """A process of the service in `thousands.py`."""

    def _module(self) -> tuple[str, ...]:
        return ("tests.integration.chassis.thousands", *filter(None, (self.without,)))


@contextmanager
def toy(place: Place, stand_in: str | None = None) -> Iterator[Toy]:
    """Run it."""
    process = Toy("catalog", place, {}, without=stand_in)
    process.start()
    try:
        yield process
    finally:
        process.kill()


@dataclass(frozen=True)
class Work:
    """The documents, and how far the work is."""

    world: World
    number: int

    @property
    def _kept(self) -> Any:
        return self.world.databases["catalog"]

    async def begin(self) -> None:
        """Store the documents, and ask for all of them."""
        await self._kept["things"].insert_many(
            [{"_id": str(n), "worked": 0, "revision": 1} for n in range(self.number)]
        )
        event = new_event(RepublishRequested(), source=OPERATOR, id=str(self.number))
        await self.world.publish(event, PRIVATE)
        await eventually(lambda: self.is_at(0), within=20)

    async def is_at(self, number: int) -> bool:
        """Say whether the work came to this document, or to its end."""
        left = await self._kept[DUE.collection].find_one({})
        return left["data"]["at"] >= number if left else await self.is_over()

    async def is_over(self) -> bool:
        """Say whether nothing is left, of what was begun."""
        begun = await self._kept["inbox"].count_documents({})
        return bool(begun) and not await self._kept[DUE.collection].count_documents({})

    async def interrupt(self) -> None:
        """Send messages of others until cancelled, each when the one before it was decided."""
        for number in count(1):
            asked = f"glance-{number}"
            event = new_event(RepublishRequested(edition_id=asked), source=OPERATOR, id=asked)
            await self.world.publish(event, PRIVATE)
            await eventually(lambda asked=asked: self._glanced(asked), within=30)  # type: ignore[misc]

    async def _glanced(self, asked: str) -> bool:
        return bool(await self._kept["glances"].count_documents({"_id": asked}))

    async def glances(self) -> list[int]:
        """Return how far the work was when others' messages were decided while it lasted."""
        found = await self._kept["glances"].find({"at": {"$gt": 0}}).to_list(None)
        return [row["at"] for row in found]

    async def worked(self) -> Counter[int]:
        """Count the documents by how often each was worked on."""
        return Counter([row["worked"] for row in await self._kept["things"].find({}).to_list(None)])


async def test_fifty_thousand_documents_are_worked_on_once_each_whatever_is_killed(place: Place) -> None:
    """Others are decided in between: in the middle of it, and while nobody may go on with it yet."""
    with toy(place) as process:
        async with open_world(place) as world:
            work = Work(world, DOCUMENTS)
            await work.begin()
            others = asyncio.create_task(work.interrupt())
            for part in (0.2, 0.5, 0.8):
                await eventually(lambda part=part: work.is_at(int(part * DOCUMENTS)), within=120)  # type: ignore[misc]
                assert not await work.is_over()
                process.kill()
                await asyncio.to_thread(process.start)
            await eventually(work.is_over, within=120)
            others.cancel()
            assert await work.worked() == {1: DOCUMENTS}
            assert len(set(await work.glances())) > 10


@pytest.mark.parametrize(("stand_in", "worked"), [("forgetting", {0: 1000}), ("repeating", {1: 800, 2: 200})])
async def test_what_is_left_must_be_kept_and_nothing_else(place: Place, stand_in: str, worked: dict[int, int]) -> None:
    """The twins: documents that are left out or worked on twice are seen."""
    with toy(place, stand_in):
        async with open_world(place) as world:
            work = Work(world, 1000)
            await work.begin()
            await eventually(work.is_over, within=20)
            assert await work.worked() == worked
