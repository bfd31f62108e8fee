"""Connections to the broker: every one is made here, so that no message can end it (docs/decisions/0016).

`connect` and `connect_robust` stand for aio-pika's functions of these names. `consuming` makes the connection that a
service's own queues are read by.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import aio_pika
import aiormq
from aio_pika.robust_channel import RobustChannel
from aio_pika.robust_queue import RobustQueue

from chassis.incoming import Taps, Transport


class Connection(aio_pika.Connection):
    """A connection of aio-pika's whose incoming bytes are looked through."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.kwargs["transport_factory"] = Transport()


class RobustConnection(aio_pika.RobustConnection):
    """The same, of the kind that comes back by itself; some deliveries may be taken from it right away."""

    def __init__(self, *args: Any, taps: Taps | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self.kwargs["transport_factory"] = Transport(taps)


async def connect(url: str, **options: Any) -> Connection:
    """Connect to the broker; takes the options of `aio_pika.connect`."""
    connection: Connection = await aio_pika.connect(url, connection_class=Connection, **options)
    return connection


async def connect_robust(url: str, **options: Any) -> RobustConnection:
    """Connect to the broker and, where that is lost, again; takes the options of `aio_pika.connect_robust`."""
    connection: RobustConnection = await aio_pika.connect_robust(url, connection_class=RobustConnection, **options)
    return connection


class Consuming(Protocol):
    """Who takes deliveries, by the names of queues."""

    @property
    def taps(self) -> Taps:
        """Return who takes the deliveries of each queue; the consumer's tag is the queue's name."""

    def opened(self, queue: str, channel: aiormq.abc.AbstractChannel) -> int:
        """Note that a queue will be consumed by this channel, anew; return how many messages to take at once."""


def consuming(consumer: Consuming) -> Callable[..., RobustConnection]:
    """Return what makes a connection whose deliveries go to this consumer, however often it is made anew."""

    class Queue(RobustQueue):
        async def consume(self, *args: Any, **options: Any) -> str:
            channel = await self.channel.get_underlay_channel()
            await channel.basic_qos(prefetch_count=consumer.opened(self.name, channel))
            return await super().consume(*args, **{**options, "consumer_tag": self.name})

    class Channel(RobustChannel):
        QUEUE_CLASS = Queue

    class ConsumingConnection(RobustConnection):
        CHANNEL_CLASS = Channel

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, taps=consumer.taps, **options)

    return ConsumingConnection
