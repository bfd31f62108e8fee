"""The relay on a real broker."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import aio_pika
import pytest
from aiormq.exceptions import PublishError as LowLevelPublishError

from chassis import lane, outbox
from chassis.committer import Committer
from chassis.lane import Lane
from chassis.lease import Lease
from chassis.mongo import Database
from chassis.relay import Relay
from instroom_contracts.cloudevent import type_of
from instroom_contracts.topology import EVENTS, PRIVATE
from tests.integration.chassis.conftest import rows
from tests.support.eventually import eventually
from tests.support.place import Place
from tests.unit.chassis.toy import CountRose, received

TYPE = type_of(CountRose)


@pytest.fixture
async def heard(place: Place) -> AsyncIterator[list[dict[str, Any]]]:
    """Provide what a subscriber of all facts hears."""
    facts: list[dict[str, Any]] = []

    async def hear(message: aio_pika.abc.AbstractIncomingMessage) -> None:
        facts.append({"headers": dict(message.headers), "raw": message.body, **json.loads(message.body)})

    connection = await aio_pika.connect_robust(place.rabbitmq_url)
    channel = await connection.channel()
    queue = await channel.declare_queue("int.test.facts", exclusive=True)
    await queue.bind(await channel.get_exchange(EVENTS), "#")
    await queue.consume(hear, no_ack=True)
    yield facts
    await connection.close()


@pytest.fixture
async def private(place: Place) -> AsyncIterator[list[int]]:
    """Provide the counts that a subscriber on the private exchange hears."""
    counts: list[int] = []

    async def hear(message: aio_pika.abc.AbstractIncomingMessage) -> None:
        counts.append(json.loads(message.body)["data"]["count"])

    async with await aio_pika.connect_robust(place.rabbitmq_url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("toy.private", exclusive=True)
        await queue.bind(PRIVATE, TYPE)
        await queue.consume(hear, no_ack=True)
        yield counts


@pytest.fixture
async def relay(place: Place, database: Database) -> AsyncIterator[Relay]:
    """Provide the relay of the toy service."""
    opened = Relay(place.rabbitmq_url, database, "instroom-toy", poll_s=0.05)
    yield opened
    await opened.close()


async def test_what_was_committed_is_published_in_order_and_removed(
    committer: Committer, database: Database, relay: Relay, heard: list[dict[str, Any]]
) -> None:
    """An empty outbox means: all told."""
    for batch in range(3):
        await committer.commit([received("a", id=f"{batch}-{n}") for n in range(4)])
    assert not await relay.publish_next(), "all of it was taken at once"
    await eventually(lambda: len(heard) == 12)
    assert [fact["data"]["count"] for fact in heard] == list(range(1, 13))
    assert await rows(database, "outbox") == []


async def test_a_fact_names_its_cause_in_the_body_and_in_the_headers(
    committer: Committer, relay: Relay, heard: list[dict[str, Any]]
) -> None:
    """An integrator finds the answer to a request by correlation id."""
    await committer.commit([received("a", id="request-1")])
    await relay.publish_next()
    await eventually(lambda: bool(heard))
    assert heard[0]["correlationid"] == heard[0]["causationid"] == "request-1"
    assert heard[0]["headers"]["ce-correlationid"] == "request-1"
    assert heard[0]["headers"]["ce-id"] == heard[0]["id"]


async def test_what_is_told_again_after_a_crash_is_the_same_to_the_byte(
    committer: Committer, database: Database, relay: Relay, heard: list[dict[str, Any]]
) -> None:
    """A crash between confirm and deletion: the fact comes again, never in a new form."""
    await committer.commit([received("a", id="1")])
    kept = await rows(database, "outbox")
    await relay.publish_next()
    await database["outbox"].insert_many(kept)
    await relay.publish_next()
    await eventually(lambda: len(heard) == 2)
    assert heard[0]["raw"] == heard[1]["raw"]


async def test_an_event_that_nobody_can_get_stays_in_the_outbox(
    committer: Committer, database: Database, relay: Relay, heard: list[dict[str, Any]]
) -> None:
    """A publish that the broker returns is not done; the others are, and are not told again."""
    await committer.commit([received("a", id=str(number)) for number in range(4)])
    await database["outbox"].update_one({}, {"$set": {"events.2.exchange": "instroom.private"}})
    for _ in range(2):
        with pytest.raises(LowLevelPublishError):
            await relay.publish_next()
    (row,) = await rows(database, "outbox")
    assert [event["exchange"] for event in row["events"]] == ["instroom.private"]
    await database["outbox"].update_one({}, {"$set": {"events.0.exchange": "instroom.events"}})
    await relay.publish_next()
    await eventually(lambda: {fact["data"]["count"] for fact in heard} == {1, 2, 3, 4})
    assert len(heard) == 4


async def unheard(committer: Committer, database: Database, count: int) -> None:
    """Fill the outbox with what is for the private exchange, where nobody listens."""
    for number in range(count):
        await committer.commit([received("unheard", id=f"unheard-{number}")])
    await database["outbox"].update_many({}, {"$set": {"events.$[].exchange": PRIVATE}})


async def facts_are_told(relay: Relay, heard: list[dict[str, Any]], count: int) -> None:
    """Publish until so many facts are heard, whatever else cannot be."""
    with suppress(LowLevelPublishError):
        await relay.publish_next()
    assert len(heard) == count


async def test_what_nobody_hears_on_one_exchange_holds_up_no_other(
    committer: Committer, database: Database, relay: Relay, heard: list[dict[str, Any]]
) -> None:
    """A notification service that was never started must not silence the facts, however many mails wait for it."""
    await unheard(committer, database, 3 * lane.ROWS_AT_ONCE)
    await committer.commit([received("a", id="1")])
    await eventually(lambda: facts_are_told(relay, heard, 1))
    assert len(await rows(database, "outbox")) == 3 * lane.ROWS_AT_ONCE


async def test_with_one_queue_for_all_exchanges_they_wait(
    committer: Committer,
    database: Database,
    relay: Relay,
    heard: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Switched off, the guard of the test above is missed."""

    async def oldest(self: Lane) -> list[dict[str, Any]]:
        return await self._outbox.find({}).sort("_id", 1).limit(lane.ROWS_AT_ONCE).to_list(None)

    monkeypatch.setattr(Lane, "_rows", oldest)
    await unheard(committer, database, 3 * lane.ROWS_AT_ONCE)
    await committer.commit([received("a", id="1")])
    with pytest.raises(AssertionError):
        await eventually(lambda: facts_are_told(relay, heard, 1), within=2)


async def test_what_0_2_0_left_in_the_outbox_is_told(
    committer: Committer, database: Database, relay: Relay, heard: list[dict[str, Any]], private: list[int]
) -> None:
    """A document of that release holds events for both exchanges; each lane takes its own out of it."""
    await committer.commit([received("a", id=str(number)) for number in range(6)])
    await database["outbox"].update_one({}, {"$set": {f"events.{n}.exchange": PRIVATE for n in (1, 2, 5)}})
    await relay.publish_next()
    await eventually(lambda: ([fact["data"]["count"] for fact in heard], private) == ([1, 4, 5], [2, 3, 6]))
    assert await rows(database, "outbox") == []


async def test_what_stands_behind_an_event_that_nobody_hears_is_not_told_again_and_again(
    committer: Committer, database: Database, relay: Relay, private: list[int]
) -> None:
    """It waits for its turn, in order; each try is of the first one alone."""
    await committer.commit([received("a", id=str(number)) for number in range(3)])
    await database["outbox"].update_one({}, {"$set": {"events.$[].exchange": PRIVATE}})
    await database["outbox"].update_one({}, {"$set": {"events.0.type": "unheard"}})
    for _ in range(3):
        with pytest.raises(LowLevelPublishError):
            await relay.publish_next()
    await database["outbox"].update_one({}, {"$set": {"events.0.type": TYPE}})
    while await relay.publish_next():
        pass
    await eventually(lambda: private[-3:] == [1, 2, 3])
    assert private == [2, 3, 1, 2, 3], "once before it was known that the first cannot be heard, and once in order"


async def test_an_index_finds_what_is_next_however_much_waits_before_it(
    committer: Committer, database: Database
) -> None:
    """A million mails that nobody takes must not be read at each fact."""
    await outbox.prepare(database)
    await unheard(committer, database, 10)
    await committer.commit([received("a", id="1")])
    query = database["outbox"].find({outbox.EXCHANGE_OF: EVENTS}).sort("_id", 1).limit(lane.ROWS_AT_ONCE)
    explained = json.dumps(await query.explain(), default=str)
    assert '"stage": "IXSCAN"' in explained
    assert '"stage": "SORT"' not in explained
    assert '"totalDocsExamined": 1,' in explained


async def test_one_process_at_a_time_holds_a_lease(database: Database) -> None:
    """Two relays at work would mix up the order."""
    first, second = Lease(database, "relay"), Lease(database, "relay")
    assert await first.hold()
    assert not await second.hold()
    await first.give_up()
    assert await second.hold()


async def test_tasks_of_one_process_hold_a_lease_together(database: Database) -> None:
    """Each exchange's lane asks for itself."""
    lease = Lease(database, "relay")
    assert all(await asyncio.gather(*(lease.hold() for _ in range(10))))


async def test_a_lease_that_was_not_renewed_runs_out(database: Database) -> None:
    """When its holder dies, another takes over."""
    assert await Lease(database, "relay", seconds=0.05).hold()
    heir = Lease(database, "relay")
    await eventually(heir.hold)
