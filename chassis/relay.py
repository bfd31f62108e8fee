"""The relay: publishes a service's outbox, in order, by one process at a time.

A lease in the database says which process relays. The others wait: when the holder stops it gives the lease up, when
it dies the lease runs out.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from typing import cast

import aio_pika
import aiormq
import structlog
from aio_pika.abc import AbstractChannel, AbstractRobustConnection
from aio_pika.exceptions import AMQPError
from aiormq import spec
from aiormq.exceptions import AMQPError as LowLevelAMQPError
from pymongo.errors import PyMongoError

from chassis import metrics
from chassis.documents import Document
from chassis.lease import Lease
from chassis.mongo import Database

log = structlog.get_logger()

PUBLISH_TIMEOUT_S = 8.0  # with the lease's margin this ends before another process may take over
CONTENT_TYPE = "application/cloudevents+json"
TROUBLE = (AMQPError, LowLevelAMQPError, PyMongoError, OSError, TimeoutError, RuntimeError)


class Relay:
    """Moves events from the outbox to the broker with publisher confirms."""

    def __init__(self, url: str, database: Database, app_id: str, *, poll_s: float) -> None:
        self._url = url
        self._outbox = database["outbox"]
        self._lease = Lease(database, "relay")
        self._app_id = app_id
        self._poll_s = poll_s
        self._wake = asyncio.Event()
        self._connection: AbstractRobustConnection | None = None
        self._channel: AbstractChannel | None = None

    def wake(self) -> None:
        """Say that there is something to publish, so that it need not wait for the next poll."""
        self._wake.set()

    async def run(self) -> None:
        """Publish until cancelled; trouble is logged and tried again."""
        while True:
            try:
                await self._round()
            except TROUBLE as error:
                log.warning("relay_interrupted", error=type(error).__name__)
                await self._drop_channel()
                await asyncio.sleep(1.0)

    async def _round(self) -> None:
        held = await self._lease.hold()
        if held and await self.publish_next():
            return
        self._wake.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._poll_s if held else self._lease.seconds / 3):
                await self._wake.wait()

    async def publish_next(self) -> bool:
        """Publish the oldest rows of the outbox and delete them once all are confirmed; False when there are none."""
        rows = await self._outbox.find({}).sort("_id", 1).limit(4).to_list(None)
        if not rows:
            metrics.OUTBOX_LAG.set(0)
            return False
        events = [event for row in rows for event in row["events"]]
        metrics.OUTBOX_LAG.set(max(0.0, time.time() - events[0]["at"].timestamp()))
        await self._publish(events)
        await self._outbox.delete_many({"_id": {"$in": [row["_id"] for row in rows]}})
        metrics.PUBLISHED.inc(len(events))
        return True

    async def _publish(self, events: Sequence[Document]) -> None:
        """Send all events in order without waiting between them, then wait until the broker has confirmed each."""
        channel = cast("aiormq.Channel", await (await self._open_channel()).get_underlay_channel())
        async with asyncio.timeout(PUBLISH_TIMEOUT_S):
            confirms = [
                asyncio.ensure_future(
                    channel.basic_publish(
                        event["body"],
                        exchange=event["exchange"],
                        routing_key=event["type"],
                        properties=_properties(event, self._app_id),
                        mandatory=True,
                        wait=False,
                    )
                )
                for event in events
            ]
            try:
                for confirm in confirms:
                    await confirm
            finally:
                for confirm in confirms:
                    confirm.cancel()

    async def _open_channel(self) -> AbstractChannel:
        if self._connection is None:
            self._connection = await aio_pika.connect_robust(self._url)
        if self._channel is None:
            self._channel = await self._connection.channel(publisher_confirms=True, on_return_raises=True)
        return self._channel

    async def _drop_channel(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            with contextlib.suppress(*TROUBLE):
                await channel.close()

    async def close(self) -> None:
        """Give the lease up and close the connection."""
        with contextlib.suppress(*TROUBLE):
            await self._lease.give_up()
        if self._connection is not None:
            await self._connection.close()


def _properties(event: Document, app_id: str) -> spec.Basic.Properties:
    return spec.Basic.Properties(
        content_type=CONTENT_TYPE,
        delivery_mode=2,
        message_id=event["id"],
        message_type=event["type"],
        correlation_id=event["correlationId"],
        app_id=app_id,
        timestamp=event["at"],
        headers=event["headers"],
    )
