"""Queues of others that do not take facts, on a real broker: nobody else waits for them."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractIncomingMessage, AbstractRobustChannel, AbstractRobustConnection
from aio_pika.exceptions import DeliveryError

from chassis import facts, metrics, refusals, topology
from chassis.committer import Committer
from chassis.facts import Facts
from chassis.management import looking
from chassis.mongo import Database, Driver
from chassis.refusals import Refusals
from chassis.relay import Relay
from instroom_contracts.topology import EVENTS, STREAM
from tests.integration.chassis.conftest import rows
from tests.support.eventually import eventually
from tests.support.place import Place
from tests.support.quorum import without_quorum
from tests.unit.chassis.toy import received

TROUBLE = "int.test.trouble"
LONGEST_S = 10.0
"""So long may facts for others be held up."""

Arguments = dict[str, Any]
FULL = (
    {"x-overflow": "reject-publish", "x-max-length": 0},
    {"x-queue-type": "quorum", "x-overflow": "reject-publish", "x-max-length": 1},
    {"x-overflow": "reject-publish-dlx", "x-max-length-bytes": 1},
)
FULL_OF_ONE: Arguments = {"x-overflow": "reject-publish", "x-max-length": 1}
LOST: Arguments = {"x-queue-type": "quorum"}
HOLLOW: Arguments = {"x-queue-type": "stream", "x-stream-max-segment-size-bytes": 8}
WAYS_TO_REFUSE = [
    *(pytest.param(arguments, False, id=f"full {number}") for number, arguments in enumerate(FULL)),
    pytest.param(LOST, True, id="without its quorum"),
]


@pytest.fixture
def driver() -> Driver:
    """Run each test once: what it shows is the broker's doing."""
    return "motor"


@dataclass
class Listening:
    """What another integrator and a reader of the stream hear: the counts that facts tell, in order."""

    channel: AbstractRobustChannel
    counts: list[int] = field(default_factory=list)
    streamed: list[int] = field(default_factory=list)

    async def begin(self) -> None:
        """Listen to all facts, by a queue that takes them and from the stream."""
        queue = await self.channel.declare_queue("int.test.facts", durable=True)
        await queue.bind(EVENTS, "#")
        await queue.consume(self._into(self.counts))
        stream = await self.channel.get_queue(STREAM)
        await stream.consume(self._into(self.streamed), arguments={"x-stream-offset": "first"})

    def _into(self, counts: list[int]) -> Callable[[AbstractIncomingMessage], Any]:
        async def hear(message: AbstractIncomingMessage) -> None:
            counts.append(json.loads(message.body)["data"]["count"])
            await message.ack()

        return hear

    def have_all(self, upto: int) -> bool:
        """Tell whether both have heard every count, each for the first time in its order."""
        return all(list(dict.fromkeys(heard)) == list(range(1, upto + 1)) for heard in (self.counts, self.streamed))


@pytest.fixture
async def connection(place: Place) -> AsyncIterator[AbstractRobustConnection]:
    """Provide a connection of an administrator's, with everything declared."""
    async with await aio_pika.connect_robust(place.rabbitmq_url) as opened:
        await topology.declare(opened, [])
        yield opened


@pytest.fixture
async def listening(connection: AbstractRobustConnection) -> Listening:
    """Provide two who listen and take what comes."""
    channel = await connection.channel()
    await channel.set_qos(200)
    heard = Listening(channel)
    await heard.begin()
    return heard


@pytest.fixture
async def relay(place: Place, database: Database) -> AsyncIterator[Relay]:
    """Provide the relay of the toy service at work, as an administrator: no service may tell the toy's facts."""
    url = place.rabbitmq_url
    named = Refusals(looking(place.servers.broker.management.url, url))
    opened = Relay(url, database, "instroom-toy", poll_s=0.05, refusals=named)
    work = asyncio.create_task(opened.run())
    yield opened
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    await opened.close()


async def refused(listening: Listening, arguments: Arguments) -> None:
    """Bind a queue that is to refuse, and fill it where it takes anything."""
    queue = await listening.channel.declare_queue(TROUBLE, durable=True, arguments=arguments)
    for _ in range(3 * arguments.get("x-max-length", 0)):  # a quorum queue finds out late that it is full
        with suppress(DeliveryError):
            await listening.channel.default_exchange.publish(aio_pika.Message(b"full"), TROUBLE)
    await queue.bind(EVENTS, "#")


def loss(place: Place, is_lost: bool) -> AbstractContextManager[None]:
    """Take the queue's quorum away for a block, where that is its trouble."""
    return without_quorum(place, TROUBLE) if is_lost else nullcontext()


async def told(committer: Committer, first: int, last: int) -> None:
    """Have facts with these counts told, several commits of several facts."""
    for start in range(first, last + 1, 25):
        await committer.commit([received("a", id=str(n)) for n in range(start, min(start + 25, last + 1))])


@pytest.mark.parametrize(("arguments", "is_lost"), WAYS_TO_REFUSE)
@pytest.mark.usefixtures("relay")
async def test_a_queue_that_takes_no_facts_keeps_them_from_nobody_else(
    place: Place, committer: Committer, database: Database, listening: Listening, arguments: Arguments, is_lost: bool
) -> None:
    """One careless binding must not silence the service: others hear all, in order, and the stream keeps it."""
    await told(committer, 1, 100)
    await eventually(lambda: listening.have_all(100))
    await refused(listening, arguments)
    with loss(place, is_lost):
        await told(committer, 101, 300)
        await eventually(lambda: listening.have_all(300), within=LONGEST_S)
        await eventually(lambda: empty(database))
        await told(committer, 301, 600)
        await eventually(lambda: listening.have_all(600), within=2)


@pytest.mark.parametrize("arguments", [FULL_OF_ONE, HOLLOW], ids=["full", "a stream that holds nothing"])
@pytest.mark.usefixtures("relay")
async def test_the_queue_that_refuses_is_named(
    committer: Committer, listening: Listening, monkeypatch: pytest.MonkeyPatch, arguments: Arguments
) -> None:
    """Whoever is called at night must know whom to call; a service's account suffices to find out."""
    monkeypatch.setattr(refusals, "LOOK_EVERY_S", 0.1)
    await refused(listening, arguments)
    await told(committer, 1, 1)
    await eventually(lambda: shown() == {TROUBLE}, within=20)  # the broker counts what queues hold every 5 s


async def empty(database: Database) -> bool:
    """Tell whether everything is told."""
    return not await rows(database, "outbox")


@pytest.mark.parametrize(("arguments", "is_lost"), WAYS_TO_REFUSE[2:])
@pytest.mark.usefixtures("relay")
async def test_without_a_way_past_it_everybody_waits(
    place: Place,
    committer: Committer,
    database: Database,
    listening: Listening,
    arguments: Arguments,
    is_lost: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Switched off, the guard of the test above is missed."""
    monkeypatch.setattr(Facts, "_turn_away", lambda _: None)
    await refused(listening, arguments)
    with loss(place, is_lost):
        await told(committer, 1, 50)
        with pytest.raises(AssertionError):
            await eventually(lambda: empty(database), within=LONGEST_S)


@pytest.mark.usefixtures("relay")
async def test_a_queue_that_takes_facts_again_gets_them_as_before(
    committer: Committer, listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever mends a queue need not tell us."""
    monkeypatch.setattr(facts, "TRY_AGAIN_S", 0.1)
    await refused(listening, FULL_OF_ONE)
    await told(committer, 1, 25)
    await eventually(lambda: bool(shown()))
    mended = await listening.channel.get_queue(TROUBLE)
    await mended.purge()
    heard: list[bytes] = []

    async def hear(message: AbstractIncomingMessage) -> None:
        heard.append(message.body)
        await message.ack()

    await mended.consume(hear)
    counts = itertools.count(26)

    async def takes_again() -> bool:  # a fact may still come while the queue holds the one before it
        await told(committer, count := next(counts), count)
        return not shown()

    await eventually(takes_again, every=0.2)
    last = next(counts)
    await told(committer, last, last + 25)
    await eventually(lambda: b'"count":%d' % (last + 25) in b"".join(heard))
    await eventually(lambda: listening.have_all(last + 25))


def shown() -> set[str]:
    """Return the queues that are shown as refusing facts."""
    return {sample.labels["queue"] for family in metrics.FACTS_REFUSED.collect() for sample in family.samples}
