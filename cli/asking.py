"""Asking: publish events, and wait for the facts that answer them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from cli.broker import Publisher, connected
from cli.facts import Fact
from instroom_contracts import topology
from instroom_contracts.cloudevent import CloudEvent, EventData, encode, type_of


@dataclass(frozen=True)
class Question:
    """Events to publish on an exchange, and the kinds of fact that may answer them."""

    events: Sequence[CloudEvent[Any]]
    exchange: str
    answers: Sequence[type[EventData]]


async def ask(url: str, question: Question, timeout_s: float) -> AsyncIterator[tuple[CloudEvent[Any], Fact | None]]:
    """Publish the events and give each with its answer, in the same order; None where none came in time.

    The queue for the answers is bound before the first event leaves, so that no answer is missed.
    """
    async with connected(url) as connection:
        answers, publisher = _Answers(question.events), await Publisher.on(connection)
        queue = f"int.{publisher.account}.{uuid.uuid4()}"
        await answers.listen(await connection.channel(), queue, map(type_of, question.answers))
        await publisher.publish(question.exchange, [encode(event) for event in question.events])
        async for event, answer in answers.wait(timeout_s):
            yield event, answer


class _Answers:
    def __init__(self, events: Sequence[CloudEvent[Any]]) -> None:
        loop = asyncio.get_running_loop()
        self._events = events
        self._awaited = {(event.id, event.source): loop.create_future() for event in events}

    async def listen(self, channel: AbstractChannel, name: str, types: Iterable[str]) -> None:
        """Bind an exclusive queue to these facts and take what comes; the broker removes it with the connection."""
        queue = await channel.declare_queue(name, exclusive=True, auto_delete=True)
        exchange = await channel.get_exchange(topology.EVENTS, ensure=False)
        for type in types:
            await queue.bind(exchange, type)
        await queue.consume(self._take, no_ack=True)

    async def _take(self, message: AbstractIncomingMessage) -> None:
        fact = Fact.read(message.body)
        awaited = self._awaited.get((fact.text("correlationid"), fact.text("correlationsource"))) if fact else None
        if awaited is not None and not awaited.done():
            awaited.set_result(fact)

    async def wait(self, timeout_s: float) -> AsyncIterator[tuple[CloudEvent[Any], Fact | None]]:
        """Give each event with its answer; all of them together have `timeout_s` seconds."""
        now = asyncio.get_running_loop().time
        deadline = now() + timeout_s
        for event in self._events:
            awaited = self._awaited[event.id, event.source]
            await asyncio.wait([awaited], timeout=max(0.0, deadline - now()))
            yield event, awaited.result() if awaited.done() else None
