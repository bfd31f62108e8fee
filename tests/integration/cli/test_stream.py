"""Reading the replay stream, on a real broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from unittest.mock import AsyncMock

import aio_pika
import pytest
from aio_pika.abc import AbstractConnection

from cli import broker, stream
from cli.stream import follow, read_up_to_now
from cli.trouble import Trouble
from instroom_contracts import topology
from tests.support.eventually import eventually
from tests.support.oddities import UNREADABLE, publish_raw, raw_channel
from tests.support.place import Place


@pytest.fixture
async def connection(place: Place) -> AsyncIterator[AbstractConnection]:
    """Provide a connection to a broker with an empty stream."""
    async with broker.connected(place.rabbitmq_url) as connected:
        yield connected


async def tell(connection: AbstractConnection, *numbers: int) -> None:
    """Tell facts with these ids."""
    publisher = await broker.Publisher.on(connection)
    events = await publisher.channel.get_exchange(topology.EVENTS, ensure=False)
    for number in numbers:
        body = f'{{"id": "{number}", "data": {{}}}}'.encode()
        await events.publish(aio_pika.Message(body), "nl.enrolments.session-full.v1")


async def test_an_empty_stream_ends_at_once(connection: AbstractConnection) -> None:
    """An audit of a new system must not wait for ever."""
    assert [fact async for fact in read_up_to_now(connection)] == []


async def test_a_stream_that_gives_nothing_is_not_taken_for_an_empty_one(
    connection: AbstractConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a busy machine an audit would find every request unanswered, and a file of facts would be empty."""
    await tell(connection, 1)

    async def counted() -> None:
        assert await stream._message_count(connection) == 1

    await eventually(counted, within=30)  # the broker counts every five seconds
    monkeypatch.setattr(stream, "FIRST_WITHIN_S", 0)
    with pytest.raises(Trouble, match="RabbitMQ is busy"):
        [fact async for fact in read_up_to_now(connection)]


async def test_without_the_broker_s_count_it_is(
    connection: AbstractConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twin: silence alone does not tell."""
    await tell(connection, 1)
    monkeypatch.setattr(stream, "FIRST_WITHIN_S", 0)
    monkeypatch.setattr(stream, "_message_count", AsyncMock(return_value=0))
    assert [fact async for fact in read_up_to_now(connection)] == []


async def test_everything_is_read_in_order_and_then_it_ends(connection: AbstractConnection) -> None:
    """More than one prefetch, so that acknowledging has to go on."""
    await tell(connection, *range(1200))
    facts = [(offset, fact.id) async for offset, fact in read_up_to_now(connection) if fact]
    assert facts == [(number, str(number)) for number in range(1200)]
    assert [offset async for offset, _ in read_up_to_now(connection, 1190)][-10:] == list(range(1190, 1200))


async def test_messages_that_no_client_can_read_are_passed_over(place: Place, connection: AbstractConnection) -> None:
    """An audit, a report or a live tail that ends there would end there every time."""
    await tell(connection, 0)
    async with raw_channel(place.rabbitmq_url) as channel:
        for raw in UNREADABLE.values():
            await publish_raw(channel, topology.EVENTS, b"nl.enrolments.caf\xe9.v1", raw, b"?")
    await tell(connection, 1)
    facts = [fact and fact.id async for _, fact in read_up_to_now(connection)]
    assert facts == ["0", *([None] * len(UNREADABLE)), "1"]


async def test_a_start_behind_the_end_gives_nothing(connection: AbstractConnection) -> None:
    """An audit that looks again, and a moment that is still to come, must not wait for the next fact."""
    await tell(connection, 0, 1)
    assert [fact async for fact in read_up_to_now(connection, 2)] == []
    assert [fact async for fact in read_up_to_now(connection, datetime.now(UTC) + timedelta(hours=1))] == []


async def test_a_live_tail_begins_now(connection: AbstractConnection) -> None:
    """Yesterday's facts are asked for with --from."""
    await tell(connection, 1)
    async with aclosing(follow(connection, "next")) as facts:
        coming = asyncio.ensure_future(anext(facts))

        async def heard() -> bool:
            await tell(connection, 2)
            return coming.done()

        await eventually(heard)
        _, fact = coming.result()
    assert fact
    assert fact.id == "2"


async def test_a_connection_that_ends_is_told(place: Place, connection: AbstractConnection) -> None:
    """A tail that hangs looks like a quiet day."""
    await tell(connection, 1)
    async with broker.connected(place.rabbitmq_url) as other:
        facts = follow(other, "first")
        await anext(facts)
        await other.close()
        with pytest.raises(Trouble, match="RabbitMQ ended the connection"):
            await anext(facts)


async def test_a_broker_without_the_stream_is_told(place: Place) -> None:
    """It was never given its definitions."""
    async with await aio_pika.connect(place.rabbitmq_url) as admin:
        await (await admin.channel()).queue_delete(topology.STREAM)
    with pytest.raises(Trouble, match="is not set up"):
        async with broker.connected(place.rabbitmq_url) as connection, aclosing(follow(connection, "first")) as facts:
            await anext(facts)
