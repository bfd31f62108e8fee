"""The messages on the broker: the replay stream, and what waits in the services' queues and their dead-letter queues.

Integrators' own queues are left out, since reading them counts as a delivery: their facts are in the stream.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any

import aio_pika
import bson
from aio_pika.abc import AbstractConnection, AbstractIncomingMessage
from bson.raw_bson import RawBSONDocument

from chassis import connections
from chassis.properties import written
from deploy import accounts
from deploy.backup.archive import Archive, Draft
from deploy.endpoints import Endpoints
from deploy.errors import StackError
from instroom_contracts import topology
from instroom_contracts.amqp import read

FOLDER = "messages"
PREFETCH = 500
AT_ONCE = 500
FIRST_WITHIN_S, QUIET_S, STALLED_S = 5.0, 1.0, 60.0
_KEPT = (
    "content_type",
    "content_encoding",
    "priority",
    "correlation_id",
    "reply_to",
    "message_id",
    "timestamp",
    "user_id",
    "app_id",
)
_WITH_OFFSETS: bson.CodecOptions[dict[str, Any]] = bson.CodecOptions(tz_aware=True)
_OF_THE_BROKER = {"x-stream-offset", "x-delivery-count"}
"""Headers that say where a message lay; it gets new ones."""


def kept_queues(definitions: Mapping[str, Any]) -> list[str]:
    """Return the queues whose messages are copied."""
    names = [queue["name"] for queue in definitions["queues"] if queue["vhost"] == accounts.VHOST]
    return sorted(name for name in names if not name.startswith("int."))


async def save(endpoints: Endpoints, queues: Sequence[str], draft: Draft) -> int:
    """Copy what lies in these queues, and leave it there; return how many messages."""
    count = 0
    async with await connections.connect(endpoints.broker_url(accounts.ADMIN), timeout=20) as connection:
        for queue in queues:
            with draft.file(f"{FOLDER}/{queue}") as file:
                reading = _stream(connection) if queue == topology.STREAM else _waiting(connection, queue)
                async for message in reading:
                    file.add(bson.encode(_copied(message)))
            count += file.count
    return count


async def _waiting(connection: AbstractConnection, name: str) -> AsyncIterator[AbstractIncomingMessage]:
    """Give what waits in a queue, which gets it back when the channel is closed."""
    async with connection.channel() as channel:
        queue = await channel.get_queue(name, ensure=False)
        while message := await queue.get(fail=False):
            yield message


async def _stream(connection: AbstractConnection) -> AsyncIterator[AbstractIncomingMessage]:
    """Give every message of the stream, to the newest; raises `StackError` where some of them do not come."""
    held, given, newest, last = await _message_count(connection), 0, -1, -1
    async for message in _streamed(connection, "last", FIRST_WITHIN_S, QUIET_S):
        newest = _offset(message)
    if newest >= 0:
        async for message in _streamed(connection, "first", STALLED_S, STALLED_S):
            yield message
            given += 1
            if (last := _offset(message)) >= newest:
                break
    if given < held or last < newest:
        raise StackError(f"The stream holds {held} messages, and only {given} came: RabbitMQ is busy. Try again.")


async def _message_count(connection: AbstractConnection) -> int:
    """Return how many messages the stream held some seconds ago, as the broker counts them."""
    async with connection.channel() as channel:
        stream = await channel.declare_queue(topology.STREAM, passive=True)
    return stream.declaration_result.message_count or 0


async def _streamed(
    connection: AbstractConnection, start: str, first_within_s: float, then_within_s: float
) -> AsyncIterator[AbstractIncomingMessage]:
    """Give messages of the stream until none comes for so long."""
    arrived: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
    async with connection.channel() as channel:
        await channel.set_qos(PREFETCH)
        stream = await channel.get_queue(topology.STREAM, ensure=False)
        await stream.consume(arrived.put, arguments={"x-stream-offset": start})
        within = first_within_s
        with suppress(TimeoutError):
            while True:
                message = await asyncio.wait_for(arrived.get(), within)
                await message.ack()
                yield message
                within = then_within_s


def _offset(message: AbstractIncomingMessage) -> int:
    return int(str(message.headers["x-stream-offset"]))


def _copied(message: AbstractIncomingMessage) -> dict[str, Any]:
    """Return a message as it is kept: properties as AMQP has them, since no other form holds all that it allows.

    What could not be read of them is marked, so that whoever consumes it after a restore knows.
    """
    headers = {name: value for name, value in message.headers.items() if name not in _OF_THE_BROKER}
    values = {name: getattr(message, name) for name in _KEPT}
    return {"properties": written({**values, "message_type": message.type, "headers": headers}), "body": message.body}


async def restore(endpoints: Endpoints, archive: Archive) -> int:
    """Put every message into the queue that it lay in, in order; return how many."""
    count = 0
    async with await connections.connect(endpoints.broker_url(accounts.ADMIN), timeout=20) as connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        for queue in archive.names(FOLDER):
            messages = archive.read(f"{FOLDER}/{queue}")
            while some := [_restored(document) for document in islice(messages, AT_ONCE)]:
                publishing = (channel.default_exchange.publish(message, queue, mandatory=True) for message in some)
                await asyncio.gather(*publishing)
                count += len(some)
    return count


def _restored(document: RawBSONDocument) -> aio_pika.Message:
    copied: dict[str, Any] = bson.decode(document.raw, _WITH_OFFSETS)
    if (properties := copied.pop("properties", None)) is not None:  # 0.2.0 kept each property by itself
        copied.update(read(properties).values)
        copied["type"] = copied.pop("message_type", None)
    return aio_pika.Message(**copied, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
