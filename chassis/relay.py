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
from chassis.pipeline import Outgoing, publish_all

log = structlog.get_logger()

PUBLISH_TIMEOUT_S = 8.0  # with the lease's margin this ends before another process may take over
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 15.0
ROWS_AT_ONCE = 4
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
        """Publish until cancelled; trouble is logged and tried again after a while."""
        pause = FIRST_PAUSE_S
        while True:
            try:
                await self._round()
                pause = FIRST_PAUSE_S
            except TROUBLE as error:
                log.warning("relay_interrupted", error=type(error).__name__, seconds=pause)
                await self._drop_channel()
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_S)

    async def _round(self) -> None:
        held = await self._lease.hold()
        self._wake.clear()
        if held and await self.publish_next():
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._poll_s if held else self._lease.seconds / 3):
                await self._wake.wait()

    async def publish_next(self) -> bool:
        """Publish the oldest rows of the outbox and take out what is confirmed; False when there are none.

        Where the broker does not confirm an event, those before it are taken out, and its error is raised.
        """
        rows = await self._outbox.find({}).sort("_id", 1).limit(ROWS_AT_ONCE).to_list(None)
        if not rows:
            metrics.OUTBOX_LAG.set(0)
            return False
        events = [event for row in rows for event in row["events"]]
        metrics.OUTBOX_LAG.set(max(0.0, time.time() - events[0]["at"].timestamp()))
        confirmed, trouble = await self._publish(events)
        metrics.PUBLISHED.inc(confirmed)
        await self._take_out(rows, confirmed)
        if trouble is not None:
            raise trouble
        return True

    async def _take_out(self, rows: Sequence[Document], confirmed: int) -> None:
        """Delete the rows that are confirmed as a whole, and shorten the one that is confirmed in part."""
        whole = []
        for row in rows:
            if confirmed < len(row["events"]):
                if confirmed:
                    await self._outbox.update_one({"_id": row["_id"]}, {"$set": {"events": row["events"][confirmed:]}})
                break
            confirmed -= len(row["events"])
            whole.append(row["_id"])
        await self._outbox.delete_many({"_id": {"$in": whole}})

    async def _publish(self, events: Sequence[Document]) -> tuple[int, BaseException | None]:
        """Send all events in order without waiting between them, then wait for the broker's confirms.

        Returns how many were confirmed before the first that was not, and the error of that one.
        """
        channel = cast("aiormq.Channel", await (await self._open_channel()).get_underlay_channel())
        async with asyncio.timeout(PUBLISH_TIMEOUT_S):
            return await publish_all(channel, [_message(event, self._app_id) for event in events])

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


def _message(event: Document, app_id: str) -> Outgoing:
    properties = spec.Basic.Properties(
        content_type=CONTENT_TYPE,
        delivery_mode=2,
        message_id=event["id"],
        message_type=event["type"],
        correlation_id=event["correlationId"],
        app_id=app_id,
        timestamp=event["at"],
        headers=event["headers"],
    )
    return Outgoing(event["id"], event["exchange"], event["type"], properties, event["body"])
