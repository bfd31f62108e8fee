"""From RabbitMQ to the committer and back: collect what arrives, commit it, acknowledge it.

FastStream owns the connection, the queues and the subscriptions; deliveries are taken off the connection as they come
(`chassis.incoming`), noted, and not looked into. One loop takes what has arrived, reads it and commits it. A message is
acknowledged after the commit and never before.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import structlog
from aio_pika.exceptions import AMQPError
from aiormq.exceptions import AMQPError as LowLevelAMQPError

from chassis import metrics
from chassis.clock import measured_ns
from chassis.committer import Committer, Limits, Plan
from chassis.cooperative import cooperatively
from chassis.deciding import Received
from chassis.errors import is_asked_to_stop
from chassis.handling import Hears
from chassis.hands import Breaker, Hand
from chassis.incoming import Arrived, Taker, Taps
from chassis.reading import received, unread
from chassis.tracing import OFF, Tracer
from instroom_contracts.cloudevent import CloudEvent, type_of

log = structlog.get_logger()

BROKER_STAMP = "timestamp_in_ms"
LOST = (AMQPError, LowLevelAMQPError, RuntimeError, OSError)


@dataclass(frozen=True, slots=True, eq=False)
class Delivery:
    """A message that arrived, unread, the queue that it came from, the hand that it is in, and the time in ns."""

    arrived: Arrived
    queue: str
    hand: Hand
    at: int = 0

    @property
    def tag(self) -> int:
        """Return the number of the delivery on its channel."""
        return self.arrived.tag


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
        self._hands: dict[str, Hand] = {}
        self._breakers = {queue: Breaker(limits.prefetch) for queue in heard}
        self._stopping = False
        for queue, hears in heard.items():  # shown from the start: a rate needs a nought to rise from
            metrics.DECISION.labels(queue)
            metrics.DECIDED.labels(type_of(hears.model))

    @property
    def taps(self) -> Taps:
        """Return who takes the deliveries of each queue, by the tag of its consumer, which is its name."""
        return {queue.encode(): self._taking(queue) for queue in self._heard}

    def opened(self, queue: str, channel: Any) -> int:
        """Begin a new hand, where a queue is consumed by a new channel; return how many messages to take at once.

        What the channel before delivered comes again, and what of it was not begun is forgotten here.
        """
        breaker, before = self._breakers[queue], self._hands.get(queue)
        if before is not None and self._committer.available:  # else it is the database that nothing is done for
            breaker.lost(before)
        self._arrived = deque(delivery for delivery in self._arrived if delivery.hand is not before)
        self._hands[queue] = Hand(channel)
        return breaker.prefetch

    def trouble(self) -> str | None:
        """Say which queue's messages are in hand and do not get done."""
        now = time.monotonic()
        for queue, hand in self._hands.items():
            if trouble := None if hand.channel.is_closed else hand.trouble(now):
                return f"{queue}: {trouble}"
        return None

    def _taking(self, queue: str) -> Taker:
        def take(arrived: Arrived) -> None:
            hand = self._hands[queue]
            if arrived.channel == hand.channel.number:  # else it came by a channel that is given up
                self._take(Delivery(arrived, queue, hand, measured_ns()))

        return take

    def _take(self, delivery: Delivery) -> None:
        if not self._stopping:
            delivery.hand.take(delivery.tag, delivery.arrived.body, time.monotonic())
            self._arrived.append(delivery)
            self._something.set()

    async def ask(self, hears: Hears, event: CloudEvent[Any]) -> None:
        """Have an event of the service's own decided like any other; returns when it is committed."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        body = event.data.model_dump_json().encode()  # so that what fails is held once, and says what it is about
        self._asked.append((Received(hears, "", body, None, {}, event, ""), done))
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
        deliveries = [delivery for delivery in taken if not delivery.hand.channel.is_closed]  # the others come again
        deliveries.sort(key=lambda delivery: (id(delivery.hand), delivery.tag))
        messages = [message for message, _ in asked]
        messages += [self._read(delivery) async for delivery in cooperatively(deliveries)]
        return Batch(messages, deliveries, [done for _, done in asked])

    async def _finish(self, batch: Batch, plan: Plan | None) -> bool:
        """Commit a batch and acknowledge it; True when it was done as planned."""
        as_planned = await self._committer.commit(batch.messages, plan)
        for done in batch.waiting:
            if not done.cancelled():
                done.set_result(None)
        _measure(batch.messages, measured_ns() / 1e9)
        await self._acknowledge(batch.deliveries)
        return as_planned

    def _read(self, delivery: Delivery) -> Received:
        """Read a message; where that fails, it alone is held."""
        hears = self._heard[delivery.queue]
        try:
            if not self._breakers[delivery.queue].condemns(delivery.arrived.body):
                arrived = received(delivery.arrived, delivery.queue, hears, self._committer.clock.latest())
                return self._tracer.begin(arrived, delivery.at)
            log.error("message_loses_connections", queue=delivery.queue)
        except Exception as error:  # whatever it is, the message is in hand and must get done
            log.exception("message_cannot_be_read", queue=delivery.queue, error=type(error).__name__)
        return unread(delivery.arrived, delivery.queue, hears)

    async def _acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Acknowledge finished deliveries, per channel with one frame for a whole run."""
        for (queue, hand), group in groupby(deliveries, key=lambda delivery: (delivery.queue, delivery.hand)):
            tags = [delivery.tag for delivery in group]
            upto = hand.finish(tags)
            if upto is None or not await _acknowledge(hand.channel, upto):
                continue
            hand.acknowledged(upto, time.monotonic())
            if self._breakers[queue].finished(len(tags)):
                await _come_again(hand.channel)


def _measure(messages: Sequence[Received], now: float) -> None:
    """Count how long the decision took since the broker took the message, where it says when that was.

    A broker stamps messages if it is told to (deploy/rabbitmq/rabbitmq.conf; RabbitMQ 3.12 or later), unless its sender
    did.
    """
    for message in messages:
        stamp = message.headers.get(BROKER_STAMP)
        if isinstance(stamp, int):
            metrics.DECISION.labels(message.queue).observe(max(0.0, now - stamp / 1000))


async def _come_again(channel: Any) -> None:
    """Close a channel whose messages were taken alone: the next takes as many at once as ever."""
    with suppress(*LOST):
        await channel.close()


async def _acknowledge(channel: Any, upto: int) -> bool:
    """Acknowledge all up to a delivery; False where the channel is gone: they come again, and the inbox knows them."""
    try:
        await channel.basic_ack(upto, multiple=True)
    except (*LOST, asyncio.CancelledError):
        if is_asked_to_stop():
            raise
        return False
    return True
