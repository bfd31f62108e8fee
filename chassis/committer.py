"""Group commit: many messages, one transaction.

The committer takes what has arrived, decides it in memory and writes decisions, documents and outbox together. Then
the messages are finished. While one batch is being written the next is decided already, on top of it (`prepare`); every
write names the revision that was read, so what was decided on a state that did not come about cannot be written, and is
decided again. A batch that conflicts with another process is decided again; one that the database refuses
is halved until the message that it refuses stands alone, and only that one is held.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from chassis import inbox, metrics, outbox, quarantine
from chassis.chance import up_to
from chassis.clock import Clock
from chassis.cooperative import cooperatively
from chassis.deciding import EVERYBODY, Received, Verdict, decide, foresee
from chassis.documents import Document, Loaded, Need
from chassis.errors import Conflict, Unavailable
from chassis.inbox import Records
from chassis.mongo import Database, Mongo, Transaction
from chassis.outbox import Teller
from chassis.senders import Admission
from chassis.store import Store, Writes, writes_of
from chassis.tracing import OFF, Tracer
from instroom_contracts.cloudevent import InvalidEvent, Problem, TooLarge, type_of

log = structlog.get_logger()

LONGEST_PAUSE_S = 5.0
CONFLICTS_INSIDE = 8
"""After so many conflicts one message alone is read and decided before its transaction, which then writes only."""


@dataclass(frozen=True)
class Limits:
    """How much the committer takes at once: messages per batch, and how long it waits for more to arrive."""

    batch: int
    wait_s: float

    @property
    def prefetch(self) -> int:
        """Return how many messages of a queue to have in hand: while one batch is written, others are collected."""
        return 3 * self.batch


@dataclass(frozen=True)
class Plan:
    """What a batch comes to: decided, ready to be written, and not yet written."""

    verdict: Verdict
    loaded: Loaded
    records: Records
    writes: Writes
    events: Sequence[Document]
    now: datetime

    @property
    def changes_what_is_cached(self) -> bool:
        """Say whether it changes what seldom changes, and what others decide on without writing it."""
        return any(kind.cached for kind, _ in self.verdict.changes)

    def digests(self) -> dict[str, str]:
        """Return the digests of the messages that are decided by it."""
        return {key: message.digest for key, message in self.verdict.spent.items()}


class Committer:
    """Decides and commits the messages of one process, one batch at a time."""

    def __init__(
        self,
        mongo: Mongo,
        database: Database,
        teller: Teller,
        *,
        after_commit: Callable[[], None],
        admission: Admission = EVERYBODY,
        clock: Clock,
        tracer: Tracer = OFF,
    ) -> None:
        self._mongo = mongo
        self._database = database
        self._store = Store(database)
        self._teller = teller
        self._after_commit = after_commit
        self._admission = admission
        self._tracer = tracer
        self.clock = clock
        self.available = True

    async def prepare(self, batch: Sequence[Received], ahead: Plan | None) -> Plan | None:
        """Decide a batch on top of one that is still being written; None where that cannot be done.

        Once that one is written, others may change it again before this process has heard so. Of what this one writes
        the revision tells; who decides on an edition does not write it, so one that is on its way is waited for.
        """
        if ahead is not None and ahead.changes_what_is_cached:
            return None
        try:
            return await self._plan_before(batch, ahead)
        except Exception as error:  # noqa: BLE001  whatever it is, `commit` meets it again and deals with it
            log.debug("not_prepared", error=type(error).__name__)
            return None

    async def commit(self, batch: Sequence[Received], plan: Plan | None = None) -> bool:
        """Decide these messages once and for all; returns when they are committed, however long that takes.

        True when it was done as planned; otherwise all that was decided on top of the plan is void.
        """
        if plan is not None and await self._commit_as_planned(batch, plan):
            return True
        await self._commit_afresh(batch)
        return False

    async def _commit_as_planned(self, batch: Sequence[Received], plan: Plan) -> bool:
        try:
            with metrics.COMMIT.time(), self._tracer.committing(batch):
                async with self._mongo.transaction() as transaction:
                    await self._write(plan, transaction)
        except Exception as error:  # noqa: BLE001  deciding afresh tells what is to be done about it
            metrics.RETRIED.labels("plan").inc()
            log.debug("plan_failed", error=type(error).__name__)
            return False
        self._finished(batch, plan)
        return True

    async def _commit_afresh(self, batch: Sequence[Received]) -> None:
        tries = 0
        while True:
            try:
                await self._attempt(batch, read_before=tries >= CONFLICTS_INSIDE)
            except Conflict:
                tries += 1
                _say_conflicts(batch, tries)
                await asyncio.sleep(up_to(0.01 * 2 ** min(tries, 6)))
                if tries > 1 and len(batch) > 1:
                    return await self._halve(batch)
            except Unavailable as error:
                await self._pause(error, tries)
                tries += 1
            except Exception as error:  # noqa: BLE001  whatever it is, it concerns one message: the rest must be decided
                return await self._isolate(batch, error)
            else:
                return None

    async def _halve(self, batch: Sequence[Received]) -> None:
        middle = len(batch) // 2
        await self._commit_afresh(batch[:middle])
        await self._commit_afresh(batch[middle:])

    async def _pause(self, error: Unavailable, tries: int) -> None:
        """Wait for the database; the messages stay unacknowledged, and prefetch keeps more from coming."""
        if self.available:
            log.warning("database_away", error=str(error))
        self.available = False
        metrics.RETRIED.labels("unavailable").inc()
        await asyncio.sleep(min(LONGEST_PAUSE_S, 0.1 * 2 ** min(tries, 10)))

    async def _isolate(self, batch: Sequence[Received], error: Exception) -> None:
        """Find the message whose outcome cannot be written, and hold it alone."""
        if len(batch) > 1:
            metrics.RETRIED.labels("refused").inc()
            return await self._halve(batch)
        if isinstance(error, TooLarge) and (refused := _refused_as_too_large(batch[0])):
            return await self._commit_afresh([refused])
        if batch[0].defect is not None:
            raise error
        log.error("message_cannot_be_committed", error=type(error).__name__, exc_info=error, **_ids(batch[0]))
        return await self._commit_afresh([replace(batch[0], defect=type(error).__name__)])

    async def _attempt(self, batch: Sequence[Received], *, read_before: bool) -> None:
        """Decide and write a batch in one transaction; with `read_before`, in the shortest one there can be.

        The server aborts a transaction that takes long, and one whose documents another changes. What was read before
        is as safe: all of it at one moment, and each write names the revision that was read.
        """
        with metrics.COMMIT.time(), self._tracer.committing(batch):
            plan = await self._plan_before(batch, None) if read_before else None
            async with self._mongo.transaction() as transaction:
                plan = plan or await self._plan(batch, None, transaction)
                await self._write(plan, transaction)
        self._finished(batch, plan)

    async def _plan_before(self, batch: Sequence[Received], ahead: Plan | None) -> Plan:
        """Decide a batch outside of a transaction, on what there was at one moment.

        An edition from before a session moved, and its pools from after, would be a world that never was; and nothing
        would notice, since what a decision only reads it does not write.
        """
        async with self._mongo.snapshot() as transaction:
            return await self._plan(batch, ahead, transaction)

    async def _plan(self, batch: Sequence[Received], ahead: Plan | None, transaction: Transaction) -> Plan:
        now = self.clock.now()
        loaded = ahead.loaded.after(ahead.verdict.changes) if ahead else Loaded(seen=self._store.seen)
        seen = await self._read(batch, await foresee(batch, loaded), loaded, transaction)
        decided = seen | (ahead.digests() if ahead else {})
        while not isinstance(outcome := await decide(batch, decided, loaded, now, self._admission), Verdict):
            await self._store.read(outcome, loaded, transaction)
        events = [self._teller.envelope(told, now) async for told in cooperatively(outcome.told)]
        records = inbox.records(outcome.spent, self._teller.replies_among(outcome.told, events), now)
        writes = await writes_of(outcome.changes, loaded)
        return Plan(outcome, loaded, records, writes, events, now)

    async def _read(
        self, batch: Sequence[Received], needs: frozenset[Need], loaded: Loaded, transaction: Transaction
    ) -> dict[str, str]:
        """Read what is needed; return what was decided before."""
        keys = [key for message in batch if (key := message.key) is not None]
        await self._store.read(needs, loaded, transaction)
        return await inbox.seen(self._database, keys, transaction)

    async def _write(self, plan: Plan, transaction: Transaction) -> None:
        await inbox.record(self._database, plan.records, transaction)
        await self._store.write(plan.writes, transaction)
        await quarantine.hold(self._database, plan.verdict.held, plan.now, transaction)
        await outbox.append(self._database, plan.events, transaction)

    def _finished(self, batch: Sequence[Received], plan: Plan) -> None:
        self.available = True
        self._count(batch, plan)
        self._tracer.end(batch, plan.verdict)
        if plan.events:
            self._after_commit()

    def _count(self, batch: Sequence[Received], plan: Plan) -> None:
        verdict = plan.verdict
        metrics.BATCH.observe(len(batch))
        metrics.DUPLICATES.inc(verdict.duplicates)
        for account, count in Counter(message.account for message in batch if message.is_from_outside).items():
            metrics.RECEIVED.labels(account or "none").inc(count)  # the broker has checked it, so these are few
        for heard, count in Counter(message.hears.model for message in verdict.spent.values()).items():
            metrics.DECIDED.labels(type_of(heard)).inc(count)  # not what a message says it is, which may be anything
        for told, count in Counter(event["type"] for event in plan.events).items():
            metrics.TOLD.labels(told).inc(count)
        for account, count in Counter(echo.account or "" for echo in verdict.echoes).items():
            metrics.ECHOES.labels(account).inc(count)
        for allowance, account in verdict.overdrawn:
            metrics.OVERDRAWN.labels(allowance, account).inc()
        for held in verdict.held:
            metrics.QUARANTINED.labels(held.reason).inc()
            log.warning("message_quarantined", reason=held.reason, queue=held.message.queue, **_ids(held.message))


def _say_conflicts(batch: Sequence[Received], tries: int) -> None:
    """Count a conflict; say so of a message that has had many, the less often the more there were."""
    metrics.RETRIED.labels("conflict").inc()
    if len(batch) == 1 and tries >= CONFLICTS_INSIDE and tries & (tries - 1) == 0:
        log.warning("message_conflicts", attempts=tries, **_ids(batch[0]))


def _refused_as_too_large(message: Received) -> Received | None:
    """Return a message as one to be refused, where its sender can be told that its answer fits into no message."""
    event = message.event
    if isinstance(event, InvalidEvent) or message.hears.refusal is None:
        return None
    problems = (Problem("/data", _TOO_LARGE),)
    refused = InvalidEvent(
        "answer-too-large",
        problems,
        id=event.id,
        source=event.source,
        type=event.type,
        traceparent=event.traceparent,
    )
    return replace(message, event=refused)


_TOO_LARGE = (
    "The answer to this would take more than the 64 KiB that a message holds, so nothing was decided. Ask for fewer"
    " sessions or companions at once, under a new id."
)


def _ids(message: Received) -> dict[str, str | None]:
    """Return what a log may say of a message: ids only."""
    traceparent = message.event.traceparent
    trace = {"trace_id": traceparent.split("-")[1]} if traceparent else {}
    return {"event_id": message.key, **trace}
