"""Systems that ask for places whatever happens to servers, and what must have become of every request."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

import aio_pika
from aio_pika.exceptions import AMQPError
from aiormq.exceptions import AMQPError as LowLevelAMQPError

from cli.audit.answers import ANSWERS
from cli.audit.readers import Reader
from cli.databases import SERVICES
from instroom_contracts.cloudevent import CloudEvent
from instroom_contracts.intake import EnrolmentRequested
from tests.e2e.world import World
from tests.support.eventually import eventually
from tests.unit.enrolment.examples import EDITION, request

SYSTEMS = 20
TROUBLE = (AMQPError, LowLevelAMQPError, OSError, TimeoutError, RuntimeError)


@dataclass
class Load:
    """Requests of many systems; each is published until the broker has confirmed it, under one id."""

    world: World
    most: int
    pause_s: float
    systems: int
    edition_id: str
    asked: set[str] = field(default_factory=set)
    _over: bool = False

    @property
    def waited_s(self) -> list[float]:
        """Return how long each request waited for its answer, of those that have one."""
        answered = self.world.systems.seconds
        return [answered[id] for id in self.asked if id in answered]

    def stop(self) -> None:
        """Ask for no more places; what was begun is published still."""
        self._over = True

    async def run(self) -> None:
        """Publish until stopped, or until there were so many."""
        numbers = iter(range(self.most))
        async with asyncio.TaskGroup() as systems:
            for _ in range(self.systems):
                systems.create_task(self._ask(numbers))

    async def _ask(self, numbers: Iterator[int]) -> None:
        for number in numbers:
            if self._over:
                return
            event = request(name=f"deelnemer-{number}", edition_id=self.edition_id)
            self.asked.add(event.id)
            await self._publish(event)

    async def _publish(self, event: CloudEvent[EnrolmentRequested]) -> None:
        confirmed = False
        while not confirmed:
            with suppress(*TROUBLE):
                async with asyncio.timeout(5):
                    await self.world.systems.send(event)
                    confirmed = True
            await asyncio.sleep(self.pause_s if confirmed else 0.2)


@asynccontextmanager
async def load(
    world: World, most: int = 1500, *, pause_s: float = 0.0, systems: int = SYSTEMS, edition_id: str = EDITION
) -> AsyncIterator[Load]:
    """Have systems ask for places during the block, at most so many; at its end every request is published."""
    made = Load(world, most, pause_s, systems, edition_id)
    task = asyncio.create_task(made.run())
    try:
        yield made
        await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def decided(world: World, number: int, *, within: float = 20) -> None:
    """Wait until so many messages have been decided."""
    inbox = world.databases["enrolment"]["inbox"]

    async def enough() -> bool:
        return await inbox.count_documents({}) >= number

    await eventually(enough, within=within, every=0.005)


async def every_request_is_answered_once(world: World, asked: set[str], *, within: float = 30) -> None:
    """Check: each request is decided, everything is told, and the stream holds one answer to each."""
    await eventually(lambda: _all_decided(world, asked), within=within)
    await eventually(lambda: _all_told(world), within=within)
    answers: dict[str, set[str]] = defaultdict(set)
    async with await aio_pika.connect(world.place.rabbitmq_url) as connection:
        for fact in (await Reader(world.databases, connection).read()).told:
            if fact.name in ANSWERS:
                answers[fact.text("correlationid")].add(fact.id)
    unanswered = asked - answers.keys()
    assert not unanswered, f"{len(unanswered)} of {len(asked)} requests were never answered"
    assert {len(ids) for ids in answers.values()} == {1}, "a request was answered twice"


async def _all_decided(world: World, asked: set[str]) -> None:
    inbox = world.databases["enrolment"]["inbox"]
    known = {str(row["_id"]).rpartition(" ")[2] async for row in inbox.find({}, {"_id": 1})}
    assert not asked - known, f"{len(asked - known)} of {len(asked)} requests were never decided"


async def _all_told(world: World) -> None:
    for service in SERVICES:
        left = await world.databases[service]["outbox"].count_documents({})
        assert not left, f"{left} commits of {service} were never told"


async def every_promise_is_kept(world: World, *, but: str | None = None, settle: float = 5) -> None:
    """Have the auditor look, and look into the quarantine; `but` names promises that are not what a test is about."""
    async with await aio_pika.connect(world.place.rabbitmq_url) as connection:
        verdicts = await replace(world, connection=connection).verdicts(settle=settle)  # type: ignore[arg-type]
    broken = [verdict for verdict in verdicts if but is None or but not in verdict.promise]
    assert not broken, f"broken promises: {broken}"
    await nobody_is_blamed(world)


async def nobody_waits(world: World, asked: set[str], *, within: float = 30) -> None:
    """Wait until each request is decided, or in quarantine, which is for the test to judge."""
    quarantine = world.databases["enrolment"]["quarantine"]

    async def none_left() -> None:
        held = {row["eventId"] async for row in quarantine.find({}, {"eventId": 1})}
        await _all_decided(world, asked - held)

    await eventually(none_left, within=within)


async def nobody_is_blamed(world: World) -> None:
    """Check that no message is in quarantine: every one of them was valid."""
    for service in SERVICES:
        held = await world.databases[service]["quarantine"].count_documents({})
        assert not held, f"{service} holds {held} messages in quarantine"
