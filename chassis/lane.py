"""One exchange's way out of the outbox: in order, confirmed, and held up by no other exchange."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

import structlog
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern

from chassis import metrics, outbox
from chassis.clock import measured_ns
from chassis.documents import Document
from chassis.errors import is_asked_to_stop
from chassis.facts import Way
from chassis.frames import Outgoing
from chassis.lease import Lease
from chassis.link import BROKER_TROUBLE
from chassis.mongo import Database
from chassis.pipeline import Confirms
from chassis.tracing import Tracer

log = structlog.get_logger()

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 2.0
ROWS_AT_ONCE = 4
TROUBLE = (*BROKER_TROUBLE, PyMongoError)


class Lane:
    """Moves the events of one exchange from the outbox to the broker, as long as this process holds the lease."""

    def __init__(
        self, exchange: str, way: Way, database: Database, lease: Lease, app_id: str, *, poll_s: float, tracer: Tracer
    ) -> None:
        self.exchange = exchange
        self._way = way
        self._outbox = database[outbox.COLLECTION]
        self._as_of_one_moment = self._outbox.with_options(read_concern=ReadConcern("snapshot"))
        self._lease = lease
        self._app_id = app_id
        self._poll_s = poll_s
        self._tracer = tracer
        self._wake = asyncio.Event()
        self._in_trouble = False

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
                log.warning("relay_interrupted", error=type(error).__name__, exchange=self.exchange, seconds=pause)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_S)

    async def _round(self) -> None:
        held = await self._lease.hold()
        self._wake.clear()
        if held and await self.publish_next():
            return
        if not held:
            self._way.rest()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._poll_s if held else self._lease.seconds / 3):
                await self._wake.wait()

    async def publish_next(self) -> bool:
        """Publish the oldest of this exchange's events and take out what is confirmed; True when there may be more.

        They are read as of one moment: a row may come to stand before one that was read already, and whoever wrote
        the later one may have built on it.

        Where the broker does not confirm an event, it stays, with those behind it, and its error is raised. It is
        tried again by itself, so that those behind it are not told again and again.
        """
        rows = await self._rows()
        waiting = [event for row in rows for event in row["events"] if event["exchange"] == self.exchange]
        if not waiting:
            return False
        events = waiting[:1] if self._in_trouble or self._way.takes_one() else waiting
        began = measured_ns()
        confirms = await self._publish(events)
        told = events[: min(confirms.open, default=len(events))]
        metrics.PUBLISHED.inc(len(told))
        await self._take_out(rows, {event["id"] for event in told})
        await self._tracer.published(events, began, confirms.open)
        self._in_trouble = confirms.trouble is not None
        if confirms.trouble is not None:
            raise confirms.trouble
        return len(rows) == ROWS_AT_ONCE or len(told) < len(waiting)

    async def _rows(self) -> list[Document]:
        found = self._as_of_one_moment.find({outbox.EXCHANGE_OF: self.exchange})
        return await found.sort("_id", 1).limit(ROWS_AT_ONCE).to_list(None)

    async def _publish(self, events: Sequence[Document]) -> Confirms:
        """Publish events in order, within the time for which the lease is ours."""
        return await self._way.publish([_message(event, self._app_id) for event in events], self._lease.hold)

    async def _take_out(self, rows: Sequence[Document], told: set[str]) -> None:
        """Delete the rows of which nothing is left to tell, and shorten the others."""
        left = {row["_id"]: [event["id"] for event in row["events"] if event["id"] not in told] for row in rows}
        await self._outbox.delete_many({"_id": {"$in": [id for id, rest in left.items() if not rest]}})
        for row in rows:
            if 0 < len(left[row["_id"]]) < len(row["events"]):
                await self._shorten(row["_id"], told)

    async def _shorten(self, row: int, told: set[str]) -> None:
        """Take events out of a row; of one that 0.2.0 wrote, another exchange's are taken out by another lane."""
        await self._outbox.update_one({"_id": row}, {"$pull": {"events": {"id": {"$in": list(told)}}}})
        await self._outbox.delete_one({"_id": row, "events": []})

    async def close(self) -> None:
        """Let go of the broker, so that nothing is under way any more."""
        await self._way.close()


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
