"""Another system: it publishes requests, and keeps the answers that it hears."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter, defaultdict
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

import aio_pika
from aio_pika.abc import AbstractExchange, AbstractIncomingMessage, AbstractRobustConnection

from instroom_contracts.cloudevent import STRUCTURED, CloudEvent, encode
from instroom_contracts.topology import EVENTS, INTAKE

ANSWERS = frozenset({"enrolment-confirmed", "enrolment-queued", "enrolment-rejected"})
PREFETCH = 500


class Integrator:
    """A connection of another system: an account for the intake, and a queue of its own for the facts."""

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self._account = unquote(urlsplit(url).username or "")
        self._queue = f"int.{name}.facts"
        self.facts: list[dict[str, Any]] = []
        self.counts: Counter[str] = Counter()
        self.effects: set[str] = set()
        self.answers: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.sent: dict[str, float] = {}
        self.seconds: dict[str, float] = {}
        self.heard = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._connection: AbstractRobustConnection = await aio_pika.connect_robust(self._url)
        channel = await self._connection.channel(publisher_confirms=True, on_return_raises=True)
        self._intake: AbstractExchange = await channel.get_exchange(INTAKE)
        listening = await self._connection.channel()
        await listening.set_qos(prefetch_count=PREFETCH)
        queue = await listening.declare_queue(self._queue, exclusive=True)
        await queue.bind(await listening.get_exchange(EVENTS, ensure=False), "#")
        await queue.consume(self._hear, no_ack=True)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._connection.close()

    async def _hear(self, message: AbstractIncomingMessage) -> None:
        fact = json.loads(message.body)
        kind = fact["type"].split(".")[2]
        fact["kind"] = kind
        self.facts.append(fact)
        self.counts[kind] += 1
        request = fact.get("correlationid")
        self.effects.add(request)
        if kind in ANSWERS or kind in {"request-refused", "request-accepted"}:
            self.answers[request].append(fact)
        if kind in ANSWERS and request in self.sent:
            self.seconds.setdefault(request, time.perf_counter() - self.sent[request])
        self.heard.set()

    async def send(self, event: CloudEvent[Any]) -> None:
        """Publish a request; returns when the broker has it."""
        wire = encode(event)
        await self.send_bytes(wire.body, wire.routing_key, id=event.id, content_type=wire.content_type)

    async def send_bytes(
        self, body: bytes, routing_key: str, *, id: str | None, content_type: str = STRUCTURED
    ) -> None:
        """Publish bytes that may be no event at all; `id` is the one whose answer is awaited."""
        if id is not None:
            self.sent.setdefault(id, time.perf_counter())
        message = aio_pika.Message(
            body,
            content_type=content_type,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            message_id=id,
            type=routing_key,
            user_id=self._account,
        )
        await self._intake.publish(message, routing_key, mandatory=True)

    def answer_to(self, request: str) -> dict[str, Any] | None:
        """Return the first answer to a request, or None where there is none yet."""
        answers = self.answers.get(request)
        return answers[0] if answers else None
