"""The measurement's own line to RabbitMQ: fill queues fast, look at depths without consuming, empty queues."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import islice

import aiormq
from aiormq import spec
from aiormq.abc import ChannelFrame
from aiormq.channel import Channel
from pamqp import frame
from pamqp.body import ContentBody
from pamqp.header import ContentHeader

from instroom_contracts.cloudevent import Wire
from tests.bench.messages import Batch, marks, stamped
from tests.support.eventually import eventually

PER_WRITE = 500
PATIENCE_S = 30.0


class Broker:
    """One channel without confirms, the cheapest way to fill a queue; that all has arrived is seen by its depth."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel

    async def publish(self, wire: Wire, exchange: str) -> None:
        """Send one message."""
        await self.channel.basic_publish(
            wire.body, exchange=exchange, routing_key=wire.routing_key, properties=_properties(wire), wait=False
        )

    async def fill(self, queue: str, batch: Batch) -> None:
        """Empty a queue, put these messages in it, and wait until all are there.

        The frames of one message are made once and copied as bytes, many to a write: that is ten times as fast as
        publishing one by one.
        """
        await self.empty(queue)
        frames = b"".join(self._frames(batch.pattern.wire, queue))
        copies = (stamped(frames, id, edition) for id, edition in marks(batch.count, batch.editions))
        while payload := b"".join(islice(copies, PER_WRITE)):
            drained = self.channel.create_future()
            await self.channel.write_queue.put(ChannelFrame(payload, should_close=False, drain_future=drained))
            await drained

        async def has_arrived() -> bool:
            return await self.depth(queue) >= batch.count

        await eventually(has_arrived, within=PATIENCE_S)

    def _frames(self, wire: Wire, queue: str) -> Iterator[bytes]:
        header = ContentHeader(body_size=len(wire.body), properties=_properties(wire))
        for part in (spec.Basic.Publish(exchange="", routing_key=queue), header, ContentBody(wire.body)):
            yield frame.marshal(part, self.channel.number)

    async def depth(self, queue: str) -> int:
        """Return how many messages stand ready in a queue, without a message leaving it."""
        return (await self.channel.queue_declare(queue, passive=True)).message_count or 0

    async def empty(self, *queues: str) -> None:
        """Remove every ready message from these queues."""
        for queue in queues:
            await self.channel.queue_purge(queue)


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Broker]:
    """Open the line, and close it at the end of the block."""
    connection = await aiormq.connect(url)
    try:
        channel = await connection.channel(publisher_confirms=False)
        assert isinstance(channel, Channel)
        yield Broker(channel)
    finally:
        await connection.close()


def _properties(wire: Wire) -> spec.Basic.Properties:
    return spec.Basic.Properties(
        content_type=wire.content_type,
        delivery_mode=2,
        message_id=wire.message_id,
        message_type=wire.type,
        correlation_id=wire.correlation_id,
        app_id=wire.app_id,
        timestamp=wire.timestamp,
        headers=dict(wire.headers),
    )
