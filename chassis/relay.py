"""The relay: publishes a service's outbox, in order, by one process at a time.

A lease in the database says which process relays. The others wait: when the holder stops it gives the lease up, when
it dies the lease runs out.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Collection, Sequence
from typing import cast

import aiormq
import structlog
from aio_pika.abc import AbstractChannel, AbstractRobustConnection
from aio_pika.exceptions import AMQPError
from aiormq.exceptions import AMQPError as LowLevelAMQPError
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern

from chassis import connections, metrics
from chassis.documents import Document
from chassis.errors import is_asked_to_stop
from chassis.frames import Outgoing
from chassis.lease import Lease
from chassis.mongo import Database
from chassis.pipeline import Confirms, publish_all
from chassis.settings import CONNECT_TIMEOUT_S
from chassis.tracing import OFF, Tracer

log = structlog.get_logger()

PUBLISH_TIMEOUT_S = 8.0  # with the lease's margin this ends before another process may take over

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 2.0
ROWS_AT_ONCE = 4
TROUBLE = (AMQPError, LowLevelAMQPError, PyMongoError, OSError, TimeoutError, RuntimeError)


class Relay:
    """Moves events from the outbox to the broker with publisher confirms."""

    def __init__(self, url: str, database: Database, app_id: str, *, poll_s: float, tracer: Tracer = OFF) -> None:
        self._url = url
        self._outbox = database["outbox"]
        self._as_of_one_moment = self._outbox.with_options(read_concern=ReadConcern("snapshot"))
        self._lease = Lease(database, "relay")
        self._app_id = app_id
        self._poll_s = poll_s
        self._tracer = tracer
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
            except (*TROUBLE, asyncio.CancelledError) as error:
                if is_asked_to_stop():
                    raise
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
        """Publish the oldest rows of the outbox and take out what is confirmed; True when there may be more.

        They are read as of one moment: a row may come to stand before one that was read already, and whoever wrote
        the later one may have built on it.

        Where the broker does not confirm an event, it stays, with those behind it on the same exchange, and its error
        is raised.
        """
        rows = await self._as_of_one_moment.find({}).sort("_id", 1).limit(ROWS_AT_ONCE).to_list(None)
        if not rows:
            return False
        events = [event for row in rows for event in row["events"]]
        began = time.time_ns()
        confirms = await self._publish(events)
        left = _left(events, confirms.open)
        metrics.PUBLISHED.inc(len(events) - len(left))
        await self._take_out(rows, left)
        await self._tracer.published(events, began, confirms.open)
        if confirms.trouble is not None:
            raise confirms.trouble
        return len(rows) == ROWS_AT_ONCE

    async def _take_out(self, rows: Sequence[Document], left: set[str]) -> None:
        """Delete the rows of which nothing is left to tell, and shorten the others."""
        done = [row["_id"] for row in rows if not any(event["id"] in left for event in row["events"])]
        await self._outbox.delete_many({"_id": {"$in": done}})
        for row in rows:
            rest = [event for event in row["events"] if event["id"] in left]
            if 0 < len(rest) < len(row["events"]):
                await self._outbox.update_one({"_id": row["_id"]}, {"$set": {"events": rest}})

    async def _publish(self, events: Sequence[Document]) -> Confirms:
        """Send all events in order without waiting between them, then wait for the broker's confirms.

        All of it ends within the lease, which is looked at again right before sending: the connection may have been
        long in coming back.
        """
        async with asyncio.timeout(PUBLISH_TIMEOUT_S):
            channel = cast("aiormq.Channel", await (await self._open_channel()).get_underlay_channel())
            if not await self._lease.hold():
                raise TimeoutError("another process relays by now")
        return await publish_all(channel, [_message(event, self._app_id) for event in events], PUBLISH_TIMEOUT_S)

    async def _open_channel(self) -> AbstractChannel:
        if self._connection is None:
            self._connection = await connections.connect_robust(self._url, timeout=CONNECT_TIMEOUT_S)
        if self._channel is None:
            self._channel = await self._connection.channel(publisher_confirms=True, on_return_raises=True)
        return self._channel

    async def _drop_channel(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            try:
                await channel.close()
            except (*TROUBLE, asyncio.CancelledError):
                if is_asked_to_stop():
                    raise

    async def close(self) -> None:
        """Close the connection, so that nothing is under way any more, and give the lease up."""
        if self._connection is not None:
            await self._connection.close()
        with contextlib.suppress(*TROUBLE):
            await self._lease.give_up()


def _left(events: Sequence[Document], unconfirmed: Collection[int]) -> set[str]:
    """Return the ids of events to tell again: those not confirmed, and those behind one of them on its exchange."""
    left, held_up = set(), set()
    for number, event in enumerate(events):
        if number in unconfirmed:
            held_up.add(event["exchange"])
        if event["exchange"] in held_up:
            left.add(event["id"])
    return left


def _message(event: Document, app_id: str) -> Outgoing:
    return Outgoing(
        id=event["id"],
        exchange=event["exchange"],
        type=event["type"],
        correlation_id=event["correlationId"],
        app_id=app_id,
        at=event["at"],
        headers=event["headers"],
        body=event["body"],
    )
