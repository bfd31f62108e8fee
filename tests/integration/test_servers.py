"""The servers do what the system relies on; each test shows one property and what it is needed for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue
from aio_pika.exceptions import DeliveryError
from pamqp.common import FieldTable
from pymongo import AsyncMongoClient
from pymongo.errors import DuplicateKeyError, OperationFailure

from tests.support.eventually import eventually
from tests.support.place import Place

QUORUM: FieldTable = {"x-queue-type": "quorum"}
SAFE: FieldTable = {
    **QUORUM,
    "x-dead-letter-exchange": "instroom.dead",
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",
}


@asynccontextmanager
async def channel_to(url: str) -> AsyncIterator[AbstractChannel]:
    """Open a channel that confirms publishes and returns what cannot be routed."""
    async with await aio_pika.connect(url) as connection:
        yield await connection.channel(on_return_raises=True)


@asynccontextmanager
async def database_of(place: Place) -> AsyncIterator[AsyncMongoClient[dict[str, Any]]]:
    """Open the database server with PyMongo's own asynchronous driver."""
    async with AsyncMongoClient[dict[str, Any]](place.mongo_url) as client:
        yield client


async def test_a_transaction_is_written_whole_or_not_at_all(place: Place) -> None:
    """Decisions, seats and outbox are one transaction; without that nothing else holds."""
    async with database_of(place) as client, client.start_session() as session:
        decisions = client[place.database("enrolment")]["decisions"]
        await decisions.insert_one({"_id": "first"})
        await session.start_transaction()
        await decisions.insert_one({"_id": "second"}, session=session)
        with pytest.raises(DuplicateKeyError):
            await decisions.insert_one({"_id": "first"}, session=session)
        assert [found["_id"] async for found in decisions.find()] == ["first"]


async def test_two_transactions_on_one_document_cannot_both_win(place: Place) -> None:
    """The last seat is given once, also by two processes."""
    async with database_of(place) as client:
        pools = client[place.database("enrolment")]["pools"]
        await pools.insert_one({"_id": "pool", "taken": 19})
        async with client.start_session() as one, client.start_session() as other:
            await one.start_transaction()
            await other.start_transaction()
            await pools.update_one({"_id": "pool"}, {"$inc": {"taken": 1}}, session=one)
            with pytest.raises(OperationFailure) as conflict:
                await pools.update_one({"_id": "pool"}, {"$inc": {"taken": 1}}, session=other)
            await one.commit_transaction()
        assert conflict.value.has_error_label("TransientTransactionError")
        assert await pools.find_one() == {"_id": "pool", "taken": 20}


async def test_a_rejected_message_lands_in_its_dead_letter_queue(place: Place) -> None:
    """A message that is given up must be found again, whatever happens to the broker in between."""
    async with channel_to(place.rabbitmq_url_of("enrolment")) as channel:
        arguments: FieldTable = {**SAFE, "x-dead-letter-routing-key": "enrolment.example.v1"}
        queue = await channel.declare_queue("enrolment.example.v1", durable=True, arguments=arguments)
        dead = await channel.declare_queue("enrolment.example.v1.dead", durable=True, arguments=QUORUM)
        await queue.bind("instroom.intake", "nl.enrolments.example.v1")
        await dead.bind("instroom.dead", "enrolment.example.v1")
        async with channel_to(place.rabbitmq_url_of("integrator")) as outside:
            exchange = await outside.get_exchange("instroom.intake", ensure=False)
            await exchange.publish(aio_pika.Message(b"given up"), "nl.enrolments.example.v1")
        await (await queue.get(timeout=5)).reject(requeue=False)
        found = await eventually(lambda: _first(dead))
        assert found.body == b"given up"
        await found.ack()


async def test_a_message_whose_sender_lets_it_expire_is_found_among_the_dead(place: Place) -> None:
    """Undecided: what `integration check` and docs/integrating.md warn of."""
    async with channel_to(place.rabbitmq_url) as channel:
        arguments: FieldTable = {**SAFE, "x-dead-letter-routing-key": "enrolment.example.v1"}
        await channel.declare_queue("enrolment.example.v1", durable=True, arguments=arguments)
        dead = await channel.declare_queue("enrolment.example.v1.dead", durable=True, arguments=QUORUM)
        await dead.bind("instroom.dead", "enrolment.example.v1")
        await channel.default_exchange.publish(aio_pika.Message(b"late", expiration=0.001), "enrolment.example.v1")
        found = await eventually(lambda: _first(dead))
        assert (found.body, found.headers["x-first-death-reason"]) == (b"late", "expired")
        await found.ack()


async def test_a_message_that_is_requeued_for_ever_is_given_up_after_200_times(place: Place) -> None:
    """RabbitMQ before version 4 has no limit of its own, and from 4.0 one that a few crashes use up."""
    async with channel_to(place.rabbitmq_url) as channel:
        queue = await channel.declare_queue("enrolment.example.v1", durable=True, arguments=SAFE)
        dead = await channel.declare_queue("enrolment.example.v1.dead", durable=True, arguments=QUORUM)
        await dead.bind("instroom.dead", "enrolment.example.v1")
        await channel.default_exchange.publish(aio_pika.Message(b"poison"), "enrolment.example.v1")
        for _ in range(201):
            await (await eventually(lambda: _first(queue))).reject(requeue=True)
        found = await eventually(lambda: _first(dead))
        assert found.headers["x-first-death-reason"] == "delivery_limit"
        await found.ack()


async def test_an_unknown_type_on_the_intake_is_kept(place: Place) -> None:
    """What nobody is bound for would vanish; the policy's alternate exchange keeps it."""
    async with channel_to(place.rabbitmq_url_of("enrolment")) as channel:
        unknown = await channel.declare_queue("enrolment.unknown-type", durable=True, arguments=QUORUM)
        await unknown.bind("instroom.unrouted", "#")
        async with channel_to(place.rabbitmq_url_of("integrator")) as outside:
            exchange = await outside.get_exchange("instroom.intake", ensure=False)
            await exchange.publish(aio_pika.Message(b"?"), "nl.enrolments.never-heard-of.v1")
        found = await unknown.get(timeout=5)
        assert found.body == b"?"
        await found.ack()


async def test_a_message_that_goes_nowhere_is_an_error(place: Place) -> None:
    """A publish that reaches no queue is confirmed by the broker; only the returned message tells."""
    async with channel_to(place.rabbitmq_url) as channel:
        exchange = await channel.get_exchange("instroom.private")
        with pytest.raises(DeliveryError):
            await exchange.publish(aio_pika.Message(b"lost"), "nl.enrolments.nobody-hears.v1")


async def test_the_stream_replays_what_was_told_before(place: Place) -> None:
    """An integrator who comes today reads last month's facts, with an integrator's rights."""
    async with channel_to(place.rabbitmq_url_of("catalog")) as channel:
        events = await channel.get_exchange("instroom.events")
        for number in range(3):
            await events.publish(aio_pika.Message(f"fact {number}".encode()), "nl.enrolments.edition-published.v1")
    assert await _replayed(place, count=3) == [b"fact 0", b"fact 1", b"fact 2"]
    assert await _replayed(place, count=3) == [b"fact 0", b"fact 1", b"fact 2"]


async def test_a_message_survives_the_kill_of_the_broker(fault_place: Place) -> None:
    """What RabbitMQ confirmed is there after a power cut."""
    power = fault_place.servers.broker.power
    assert power is not None
    async with channel_to(fault_place.rabbitmq_url) as channel:
        await channel.declare_queue("enrolment.example.v1", durable=True, arguments=SAFE)
        message = aio_pika.Message(b"kept", delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await channel.default_exchange.publish(message, "enrolment.example.v1")
    await asyncio.to_thread(power.kill)
    await asyncio.to_thread(power.start)
    async with channel_to(fault_place.rabbitmq_url) as channel:
        queue = await channel.get_queue("enrolment.example.v1")
        found = await queue.get(timeout=30)
        assert found.body == b"kept"
        await found.ack()


async def test_a_decision_survives_the_kill_of_the_database(fault_place: Place) -> None:
    """What MongoDB committed is there after a power cut."""
    power = fault_place.servers.database.power
    assert power is not None
    name = fault_place.database("enrolment")
    async with database_of(fault_place) as client:
        await client[name]["decisions"].insert_one({"_id": "kept"})
    await asyncio.to_thread(power.kill)
    await asyncio.to_thread(power.start)
    async with database_of(fault_place) as client:
        assert await client[name]["decisions"].find_one() == {"_id": "kept"}


async def _first(queue: AbstractQueue) -> AbstractIncomingMessage:
    message = await queue.get(fail=False)
    assert message is not None
    return message


async def _replayed(place: Place, count: int) -> list[bytes]:
    async with channel_to(place.rabbitmq_url_of("integrator")) as channel:
        await channel.set_qos(prefetch_count=10)
        stream = await channel.get_queue("instroom.events.stream", ensure=False)
        bodies: list[bytes] = []
        async with asyncio.timeout(10), stream.iterator(arguments={"x-stream-offset": "first"}) as messages:
            async for message in messages:
                bodies.append(message.body)
                await message.ack()
                if len(bodies) == count:
                    break
        return bodies
