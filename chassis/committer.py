"""Group commit: many messages, one transaction.

The committer takes what has arrived, decides it in memory and writes decisions, documents and outbox together. Then
the messages are finished. A batch that conflicts with another process is decided again; one that the database refuses
is halved until the message that it refuses stands alone, and only that one is held.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import structlog

from chassis import inbox, metrics, outbox, quarantine
from chassis.deciding import Received, Verdict, decide
from chassis.documents import Loaded
from chassis.errors import Conflict, Unavailable
from chassis.mongo import Database, Mongo, Session
from chassis.outbox import Teller
from chassis.store import Store

log = structlog.get_logger()

LONGEST_PAUSE_S = 5.0


@dataclass(frozen=True)
class Limits:
    """How much the committer takes at once: messages per batch, and how long it waits for more to arrive."""

    batch: int
    wait_s: float


class Committer:
    """Decides and commits the messages of one process, one batch at a time."""

    def __init__(self, mongo: Mongo, database: Database, teller: Teller, *, after_commit: Callable[[], None]) -> None:
        self._mongo = mongo
        self._database = database
        self._store = Store(database)
        self._teller = teller
        self._after_commit = after_commit
        self.available = True

    async def commit(self, batch: Sequence[Received]) -> None:
        """Decide these messages once and for all; returns when they are committed, however long that takes."""
        tries = 0
        while True:
            try:
                await self._attempt(batch)
            except Conflict:
                tries += 1
                metrics.RETRIED.labels("conflict").inc()
                await asyncio.sleep(random.uniform(0, 0.01 * 2 ** min(tries, 6)))  # noqa: S311  jitter, no secret
                if tries > 1 and len(batch) > 1:
                    return await self._halve(batch)
            except Unavailable as error:
                await self._pause(error, tries)
                tries += 1
            except Exception as error:  # noqa: BLE001  whatever it is, it concerns one message: the rest must be decided
                return await self._isolate(batch, error)
            else:
                self.available = True
                return None

    async def _halve(self, batch: Sequence[Received]) -> None:
        middle = len(batch) // 2
        await self.commit(batch[:middle])
        await self.commit(batch[middle:])

    async def _pause(self, error: Unavailable, tries: int) -> None:
        """Wait for the database; the messages stay unacknowledged, and prefetch keeps more from coming."""
        if self.available:
            log.warning("database_away", error=str(error))
        self.available = False
        metrics.RETRIED.labels("unavailable").inc()
        await asyncio.sleep(min(LONGEST_PAUSE_S, 0.1 * 2**tries))

    async def _isolate(self, batch: Sequence[Received], error: Exception) -> None:
        """Find the message whose outcome cannot be written, and hold it alone."""
        if len(batch) > 1:
            metrics.RETRIED.labels("refused").inc()
            return await self._halve(batch)
        if batch[0].defect is not None:
            raise error
        log.error("message_cannot_be_committed", error=type(error).__name__, event_id=batch[0].event.id, exc_info=error)
        return await self.commit([replace(batch[0], defect=type(error).__name__)])

    async def _attempt(self, batch: Sequence[Received]) -> None:
        with metrics.COMMIT.time():
            async with self._mongo.transaction() as session:
                now = datetime.now(UTC)
                loaded = Loaded()
                verdict = await self._decide(batch, loaded, now, session)
                await self._write(verdict, loaded, now, session)
        self._count(batch, verdict)
        if verdict.told:
            self._after_commit()

    async def _decide(self, batch: Sequence[Received], loaded: Loaded, now: datetime, session: Session) -> Verdict:
        keys = [key for message in batch if (key := message.key) is not None]
        decided = await inbox.seen(self._database, keys, session)
        outcome = decide(batch, decided, loaded, now)
        while not isinstance(outcome, Verdict):
            await self._store.read(outcome, loaded, session)
            outcome = decide(batch, decided, loaded, now)
        return outcome

    async def _write(self, verdict: Verdict, loaded: Loaded, now: datetime, session: Session) -> None:
        await inbox.record(self._database, verdict.spent, now, session)
        await self._store.write(verdict.changes, loaded, session)
        await quarantine.hold(self._database, verdict.held, now, session)
        await outbox.append(self._database, [self._teller.envelope(told, now) for told in verdict.told], session)

    def _count(self, batch: Sequence[Received], verdict: Verdict) -> None:
        metrics.BATCH.observe(len(batch))
        metrics.DUPLICATES.inc(verdict.duplicates)
        for message in verdict.spent.values():
            metrics.DECIDED.labels(message.type).inc()
        for held in verdict.held:
            metrics.QUARANTINED.labels(held.reason).inc()
            log.warning("message_quarantined", reason=held.reason, queue=held.message.queue, event_id=held.message.key)
