"""Another system in the cluster's own network, asking for places at a steady pace whatever happens to servers.

Run as `python -m tests.cluster.asking`. For each line on standard input it reports on standard output, as one line of
JSON; at the end of input it asks no more, waits for the answers that are due, and reports once more.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections import defaultdict
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import aio_pika
from aio_pika.abc import AbstractExchange, AbstractIncomingMessage
from aio_pika.exceptions import AMQPError
from aiormq.exceptions import AMQPError as LowLevelAMQPError

from cli.drafts import request_from
from deploy.accounts import INTEGRATOR
from instroom_contracts.cloudevent import STRUCTURED, encode, type_of
from instroom_contracts.enrolment import EnrolmentConfirmed, EnrolmentQueued, EnrolmentRejected
from instroom_contracts.topology import EVENTS, INTAKE
from tests.support.eventually import eventually

PER_SECOND = 20
PATIENCE_S = 60.0
ANSWERS = tuple(map(type_of, (EnrolmentConfirmed, EnrolmentQueued, EnrolmentRejected)))
TROUBLE = (AMQPError, LowLevelAMQPError, OSError, TimeoutError, RuntimeError)
REQUEST = {
    "organisation": "Gemeente Voorbeeld",
    "role": "projectleider",
    "region": "noord",
    "edition": "vng-participatieweek-2021-noord",
    "sessions": "participatie-als-proces",
    "source": "urn:nld:oin:00000001823288444000:systeem:website",
    "time": "2021-05-20T11:30:00+02:00",
}


class Asking:
    """What was asked and answered: a request counts once the broker has confirmed it."""

    def __init__(self, intake: AbstractExchange, name: str) -> None:
        self._intake = intake
        self._name = name
        self._asked = 0
        self._confirmed: set[str] = set()
        self._answers: dict[str, set[str]] = defaultdict(set)
        self._answered_at: float | None = None
        self._longest_gap = 0.0
        self.is_over = asyncio.Event()

    async def run(self) -> None:
        """Ask until it is over; what was begun is published until it is confirmed."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as requests:
            while not self.is_over.is_set():
                self._asked += 1
                requests.create_task(self._ask(f"{self._name}-{self._asked}"))
                await asyncio.sleep(max(0.0, began + self._asked / PER_SECOND - time.monotonic()))

    async def _ask(self, name: str) -> None:
        event = request_from({**REQUEST, "id": name, "name": name, "email": f"{name}@example.org"}, datetime.now(UTC))
        wire = encode(event)
        lasting = aio_pika.DeliveryMode.PERSISTENT
        message = aio_pika.Message(
            wire.body, content_type=STRUCTURED, delivery_mode=lasting, message_id=event.id, user_id=INTEGRATOR
        )
        while event.id not in self._confirmed:
            with suppress(*TROUBLE):
                async with asyncio.timeout(5):
                    await self._intake.publish(message, wire.routing_key, mandatory=True)
                self._confirmed.add(event.id)
                return
            await asyncio.sleep(0.5)

    async def hear(self, message: AbstractIncomingMessage) -> None:
        """Note an answer."""
        fact = json.loads(message.body)
        if fact["correlationid"].startswith(f"{self._name}-"):
            self._answers[fact["correlationid"]].add(fact["id"])
            now = time.monotonic()
            self._longest_gap = max(self._longest_gap, now - (self._answered_at or now))
            self._answered_at = now
        with suppress(*TROUBLE):  # where its channel is gone, it comes again
            await message.ack()

    def report(self) -> dict[str, Any]:
        """Return the counts, and the longest time without an answer."""
        return {
            "asked": self._asked,
            "confirmed": len(self._confirmed),
            "answered": len(self._confirmed & self._answers.keys()),
            "answered_twice": sum(len(facts) > 1 for facts in self._answers.values()),
            "longest_gap_s": round(self._longest_gap, 1),
        }

    async def settle(self) -> None:
        """Wait for the answers that are due."""
        with suppress(AssertionError):
            await eventually(lambda: self._confirmed <= self._answers.keys(), within=PATIENCE_S)


async def main(url: str, name: str) -> None:
    """Ask and report until the input ends."""
    async with await aio_pika.connect_robust(url, timeout=5) as connection:
        publishing = await connection.channel(publisher_confirms=True, on_return_raises=True)
        asking = Asking(await publishing.get_exchange(INTAKE), name)
        listening = await connection.channel()
        await listening.set_qos(prefetch_count=100)
        answers = await listening.declare_queue(f"int.{name}", durable=True, arguments={"x-queue-type": "quorum"})
        for type in ANSWERS:
            await answers.bind(EVENTS, type)
        await answers.consume(asking.hear)
        asked = asyncio.create_task(asking.run())
        while await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps(asking.report()), flush=True)
        asking.is_over.set()
        await asked
        await asking.settle()
        print(json.dumps(asking.report()), flush=True)


if __name__ == "__main__":
    asyncio.run(main(f"{os.environ['RABBITMQ_URL']}?heartbeat=10", sys.argv[1]))
