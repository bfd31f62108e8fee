"""From RabbitMQ to the committer and back: collect what arrives, commit it, acknowledge it.

FastStream owns the connection, the queues and the subscriptions. Each message is handed on as soon as it comes, without
waiting for the decision; one loop takes what has arrived and commits it. A message is acknowledged after the commit and
never before.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any
from weakref import WeakKeyDictionary

from aio_pika.abc import AbstractIncomingMessage
from aio_pika.exceptions import AMQPError
from aiormq.exceptions import AMQPError as LowLevelAMQPError

from chassis import metrics
from chassis.committer import Committer, Limits, Plan
from chassis.deciding import Received
from chassis.errors import is_asked_to_stop
from chassis.handling import Hears, UnknownType
from chassis.tracing import OFF, Tracer
from chassis.turns import in_turns
from instroom_contracts.cloudevent import CloudEvent, InvalidEvent, Problem, data_digest, decode, type_of

BROKER_STAMP = "timestamp_in_ms"
LOST = (AMQPError, LowLevelAMQPError, RuntimeError, OSError)


class Acknowledgements:
    """What is finished on one channel: acknowledges a whole run of deliveries with one frame.

    Delivery tags of a channel count from 1 without a gap, so everything up to the first unfinished one is one run.
    """

    def __init__(self) -> None:
        self._acknowledged = 0
        self._finished: list[int] = []

    def finish(self, tags: Sequence[int]) -> int | None:
        """Note finished deliveries; return the tag up to which all are finished, or None where that did not rise."""
        for tag in tags:
            heapq.heappush(self._finished, tag)
        before = self._acknowledged
        while self._finished and self._finished[0] <= self._acknowledged + 1:
            self._acknowledged = max(self._acknowledged, heapq.heappop(self._finished))
        return self._acknowledged if self._acknowledged > before else None


@dataclass(frozen=True, slots=True, eq=False)
class Delivery:
    """A message that arrived, the queue that it came from, the channel that it came by, and the time in ns.

    The message itself gives its channel only while that is open.
    """

    raw: AbstractIncomingMessage
    queue: str
    channel: Any
    at: int = 0

    @property
    def tag(self) -> int:
        """Return the number of the delivery on its channel."""
        return self.raw.delivery_tag or 0


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Messages that are decided together, the deliveries that they came in, and who waits for their commit."""

    messages: list[Received]
    deliveries: list[Delivery]
    waiting: list[asyncio.Future[None]]


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """A batch that is being written: what was planned, and the task that says whether it came about."""

    plan: Plan | None
    task: asyncio.Task[bool]


class Consumer:
    """Collects deliveries from all queues of a service and commits them in the order in which they came."""

    def __init__(self, committer: Committer, heard: Mapping[str, Hears], limits: Limits, tracer: Tracer = OFF) -> None:
        self._committer = committer
        self._tracer = tracer
        self._heard = heard
        self._limits = limits
        self._arrived: deque[Delivery] = deque()
        self._asked: list[tuple[Received, asyncio.Future[None]]] = []
        self._something = asyncio.Event()
        self._finished: WeakKeyDictionary[Any, Acknowledgements] = WeakKeyDictionary()
        self._stopping = False
        for queue, hears in heard.items():  # shown from the start: a rate needs a nought to rise from
            metrics.DECISION.labels(queue)
            metrics.DECIDED.labels(type_of(hears.model))

    def taking(self, queue: str) -> Callable[[AbstractIncomingMessage], Awaitable[None]]:
        """Return the callback that takes every message of a queue over from the broker's client."""

        async def take(message: AbstractIncomingMessage) -> None:
            self._take(Delivery(message, queue, message.channel, time.time_ns()))

        return take

    def _take(self, delivery: Delivery) -> None:
        if not self._stopping:
            self._arrived.append(delivery)
            self._something.set()

    async def ask(self, hears: Hears, event: CloudEvent[Any]) -> None:
        """Have an event of the service's own decided like any other; returns when it is committed."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._asked.append((Received(hears, "", b"", None, {}, event, ""), done))
        self._something.set()
        await done

    async def run(self) -> None:
        """Commit what arrives until stopped: while one batch is written, the next is collected and decided."""
        before: Written | None = None
        async with asyncio.TaskGroup() as tasks:
            while batch := await self._next():
                if not batch.messages:
                    continue
                plan = await self._decide(batch, before if before and not before.task.done() else None)
                before = Written(plan, tasks.create_task(self._finish(batch, plan)))

    async def _decide(self, batch: Batch, under_way: Written | None) -> Plan | None:
        """Decide a batch on top of the one that is being written; where that comes out otherwise, decide it again."""
        plan = await self._committer.prepare(batch.messages, under_way.plan if under_way else None)
        if under_way is None or await under_way.task:
            return plan
        return await self._committer.prepare(batch.messages, None)

    async def stop(self) -> None:
        """Take no more messages, and let what is being committed come to its end.

        What had arrived and was not begun stays unacknowledged: the broker gives it to the next process.
        """
        self._stopping = True
        self._arrived.clear()
        self._something.set()

    async def _next(self) -> Batch | None:
        """Wait until there is something to decide, and a moment for more; None when it is time to stop."""
        if not (self._arrived or self._asked or self._stopping):
            self._something.clear()
            await self._something.wait()
        if len(self._arrived) < self._limits.batch:
            await asyncio.sleep(self._limits.wait_s)
        if self._stopping:
            return None
        asked, self._asked = self._asked[: self._limits.batch], self._asked[self._limits.batch :]
        taken = [self._arrived.popleft() for _ in range(min(len(self._arrived), self._limits.batch))]
        deliveries = [delivery for delivery in taken if not delivery.channel.is_closed]  # the others come again
        deliveries.sort(key=lambda delivery: (id(delivery.channel), delivery.tag))
        messages = [message for message, _ in asked]
        messages += [self._read(delivery) async for delivery in in_turns(deliveries)]
        return Batch(messages, deliveries, [done for _, done in asked])

    async def _finish(self, batch: Batch, plan: Plan | None) -> bool:
        """Commit a batch and acknowledge it; True when it was done as planned."""
        as_planned = await self._committer.commit(batch.messages, plan)
        for done in batch.waiting:
            if not done.cancelled():
                done.set_result(None)
        _measure(batch.deliveries, time.time())
        await self._acknowledge(batch.deliveries)
        return as_planned

    def _read(self, delivery: Delivery) -> Received:
        raw = delivery.raw
        hears = self._heard[delivery.queue]
        digest = data_digest(raw.body, content_type=raw.content_type)
        event = _event_in(raw, hears, self._committer.clock.latest())
        whose = raw.user_id
        received = Received(hears, delivery.queue, raw.body, raw.content_type, raw.headers, event, digest, whose)
        return self._tracer.begin(received, delivery.at)

    async def _acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Acknowledge finished deliveries, per channel with one frame for a whole run."""
        for channel, group in groupby(deliveries, key=lambda delivery: delivery.channel):
            acknowledgements = self._finished.setdefault(channel, Acknowledgements())
            upto = acknowledgements.finish([delivery.tag for delivery in group])
            if upto is not None:
                await _acknowledge(channel, upto)


def _measure(deliveries: Sequence[Delivery], now: float) -> None:
    """Count how long the decision took since the broker took the message, where it says when that was.

    A broker stamps messages if it is told to (deploy/rabbitmq/rabbitmq.conf; RabbitMQ 3.12 or later), unless its sender
    did.
    """
    for delivery in deliveries:
        stamp = delivery.raw.headers.get(BROKER_STAMP)
        if isinstance(stamp, int):
            metrics.DECISION.labels(delivery.queue).observe(max(0.0, now - stamp / 1000))


async def _acknowledge(channel: Any, upto: int) -> None:
    """Acknowledge all up to a delivery; where the channel is gone they come again, and the inbox knows them."""
    try:
        await channel.basic_ack(upto, multiple=True)
    except (*LOST, asyncio.CancelledError):
        if is_asked_to_stop():
            raise


def _event_in(raw: AbstractIncomingMessage, hears: Hears, now: datetime) -> CloudEvent[Any] | InvalidEvent:
    """Return the event that a message holds, or what is wrong with it."""
    try:
        event = decode(raw.body, model=hears.model, content_type=raw.content_type, headers=raw.headers, now=now)
    except InvalidEvent as invalid:
        return _unknown(invalid) if hears.model is UnknownType else invalid
    return event


def _unknown(invalid: InvalidEvent) -> InvalidEvent:
    """Say that nobody hears this type, instead of what else may be wrong with it."""
    detail = (
        "Nobody listens to this type under this routing key. The routing key is the event's type, one of those that"
        " docs/integrating.md lists; mend it and send the event under a new id."
    )
    return InvalidEvent(
        "unknown-type",
        (Problem(pointer="/type", detail=detail),),
        id=invalid.id,
        source=invalid.source,
        type=invalid.type,
        traceparent=invalid.traceparent,
    )
