"""Reference 1, the bare loop: what an AMQP client in Python can do when nothing is decided and nothing is stored.

Up to 500 messages in flight: each is parsed, one answer is published with a confirm, and every 200 messages share one
acknowledgement. Run as `python -m tests.bench.bare_loop`; it works until it is told to stop.
"""

from __future__ import annotations

import asyncio
import json
import os

import aio_pika
from aio_pika.abc import AbstractExchange, AbstractIncomingMessage

from instroom_contracts.cloudevent import Wire
from tests.bench.layout import ANSWERS, BARE_LOOP
from tests.bench.messages import answer

IN_FLIGHT = 500
PER_ACKNOWLEDGEMENT = 200


class BareLoop:
    """Answers every request with the same fact."""

    def __init__(self, exchange: AbstractExchange, fact: Wire) -> None:
        self._exchange = exchange
        self._fact = fact
        self._answered = 0

    async def handle(self, request: AbstractIncomingMessage) -> None:
        """Parse a request, answer it, and acknowledge whenever enough are answered."""
        event = json.loads(request.body)
        await self._exchange.publish(self._message(event["id"]), self._fact.routing_key)
        self._answered += 1
        if self._answered % PER_ACKNOWLEDGEMENT == 0:
            await request.ack(multiple=True)

    def _message(self, answers: str) -> aio_pika.Message:
        fact = self._fact
        return aio_pika.Message(
            fact.body,
            headers=dict(fact.headers),
            content_type=fact.content_type,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            message_id=answers,
            type=fact.type,
            correlation_id=answers,
            app_id=fact.app_id,
            timestamp=fact.timestamp,
        )


async def main() -> None:
    """Consume until cancelled."""
    connection = await aio_pika.connect_robust(os.environ["RABBITMQ_URL"])
    async with connection:
        publishing = await connection.channel(publisher_confirms=True, on_return_raises=True)
        consuming = await connection.channel()
        await consuming.set_qos(prefetch_count=IN_FLIGHT)
        loop = BareLoop(await publishing.get_exchange(ANSWERS), answer())
        await (await consuming.get_queue(BARE_LOOP)).consume(loop.handle)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
