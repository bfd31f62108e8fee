"""A connection to publish by, with confirms: opened when it is needed, and given up when in doubt."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import cast

import aiormq
from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import AMQPError
from aiormq.exceptions import AMQPError as LowLevelAMQPError

from chassis import connections
from chassis.errors import is_asked_to_stop
from chassis.frames import Outgoing
from chassis.pipeline import Confirms, publish_all
from chassis.settings import CONNECT_TIMEOUT_S

BROKER_TROUBLE = (AMQPError, LowLevelAMQPError, OSError, TimeoutError, RuntimeError)
OPEN_WITHIN_S = 8.0
CLOSE_WITHIN_S = 3.0

May = Callable[[], Awaitable[bool]]
"""Say whether this process may still publish."""


class Link:
    """A connection of its own with one channel in confirm mode."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: AbstractConnection | None = None
        self._channel: aiormq.Channel | None = None

    async def publish(self, messages: Sequence[Outgoing], seconds: float, may: May) -> Confirms:
        """Send all messages in order without waiting between them, then wait so long for the broker's confirms.

        `may` is asked right before sending: the connection may have been long in coming. Raises what keeps the
        messages from being sent; what became of those that were is in the answer.
        """
        try:
            async with asyncio.timeout(OPEN_WITHIN_S):
                channel = await self._open()
                if not await may():
                    raise TimeoutError("another process relays by now")
            confirms = await publish_all(channel, messages, seconds)
        except (*BROKER_TROUBLE, asyncio.CancelledError):
            if not is_asked_to_stop():
                await self.close()
            raise
        if not confirms.are_complete:
            await self.close()  # what is not answered may never be: a channel waits for each queue in turn
        return confirms

    async def _open(self) -> aiormq.Channel:
        if self._connection is None or self._channel is None or self._channel.is_closed:
            await self.close()
            self._connection = await connections.connect(self._url, timeout=CONNECT_TIMEOUT_S)
            channel = self._connection.channel(publisher_confirms=True, on_return_raises=True)
            await channel.initialize()
            self._channel = cast("aiormq.Channel", await channel.get_underlay_channel())
        return self._channel

    async def close(self) -> None:
        """Close the connection, so that nothing is under way by it any more; the next message opens another."""
        connection, self._connection, self._channel = self._connection, None, None
        if connection is None:
            return
        try:
            async with asyncio.timeout(CLOSE_WITHIN_S):
                await connection.close()
        except (*BROKER_TROUBLE, asyncio.CancelledError):
            if is_asked_to_stop():
                raise
