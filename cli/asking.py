"""Asking: publish events, and wait for the facts that answer them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from aio_pika.abc import AbstractConnection, AbstractIncomingMessage, AbstractQueue
from aiormq.exceptions import ChannelAccessRefused, ChannelNotFoundEntity

from cli.broker import Publisher, connected
from cli.facts import Fact
from instroom_contracts import topology
from instroom_contracts.cloudevent import CloudEvent, encode, type_of
from instroom_contracts.intake import AnswerRequested

Key = tuple[str, str]
"""The pair that names a request: its id and its source."""

Events = Sequence[CloudEvent[Any]]
"""Requests of one type: the contract says where they go, and with which facts they are answered."""


async def ask(url: str, events: Events, timeout_s: float) -> AsyncIterator[tuple[CloudEvent[Any], Fact | None]]:
    """Publish the events and give each with its answer, in the same order; None where none came in time."""
    async with _asked(url, events, _Answers(events)) as answers:
        async for event, answer in answers.wait(timeout_s):
            yield event, answer


async def ask_again(
    url: str, event: CloudEvent[AnswerRequested], timeout_s: float
) -> tuple[Fact | None, Sequence[Fact]]:
    """Ask for a request's answer; return how that itself was answered, and the facts that were told again.

    A request that is still being decided has its answer waited for.
    """
    asked = (event.data.request_id, event.data.request_source or event.source)
    listening = _Answers([event], told_again=asked)
    async with _asked(url, [event], listening) as answers:
        pairs = [answer async for _, answer in answers.wait(timeout_s)]
        if pairs[0] and pairs[0].name == "request-accepted":
            await answers.heard_any(timeout_s)
        return pairs[0], answers.again


@asynccontextmanager
async def _asked(url: str, events: Events, answers: _Answers) -> AsyncIterator[_Answers]:
    """Publish the events with the queue for the answers bound before the first leaves, so that none is missed."""
    asked = topology.TYPES[events[0].type]
    async with connected(url) as connection:
        publisher = await Publisher.on(connection)
        await answers.listen(await _bound(connection, publisher.account, map(type_of, asked.answers)))
        await publisher.publish(asked.exchange, [encode(event) for event in events])
        yield answers


async def _bound(connection: AbstractConnection, account: str | None, types: Iterable[str]) -> AbstractQueue:
    """Bind an exclusive queue to these facts; the broker removes it with the connection.

    An account that may read a part of the facts only has an exchange with that part.
    """
    wanted = list(types)
    try:
        return await _bound_to(topology.EVENTS, connection, account, wanted)
    except ChannelAccessRefused as refused:
        try:
            return await _bound_to(topology.exchange_for(str(account)), connection, account, wanted)
        except (ChannelAccessRefused, ChannelNotFoundEntity):
            raise refused from None


async def _bound_to(
    exchange: str, connection: AbstractConnection, account: str | None, types: Iterable[str]
) -> AbstractQueue:
    channel = await connection.channel()
    queue = await channel.declare_queue(f"int.{account}.{uuid.uuid4()}", exclusive=True, auto_delete=True)
    for type in types:
        await queue.bind(exchange, type)
    return queue


class _Answers:
    def __init__(self, events: Events, told_again: Key | None = None) -> None:
        loop = asyncio.get_running_loop()
        self._events = events
        self._awaited = {(event.id, event.source): loop.create_future() for event in events}
        self._told_again = told_again
        self._heard = asyncio.Event()
        self.again: list[Fact] = []

    async def listen(self, queue: AbstractQueue) -> None:
        """Take what comes."""
        await queue.consume(self._take, no_ack=True)

    async def _take(self, message: AbstractIncomingMessage) -> None:
        fact = Fact.read(message.body)
        key = (fact.text("correlationid"), fact.text("correlationsource")) if fact else None
        if fact and key == self._told_again:
            self.again.append(fact)
            self._heard.set()
        awaited = self._awaited.get(key) if key else None
        if awaited is not None and not awaited.done():
            awaited.set_result(fact)

    async def heard_any(self, timeout_s: float) -> None:
        """Wait until a fact was told again, at most so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._heard.wait()

    async def wait(self, timeout_s: float) -> AsyncIterator[tuple[CloudEvent[Any], Fact | None]]:
        """Give each event with its answer; all of them together have `timeout_s` seconds."""
        now = asyncio.get_running_loop().time
        deadline = now() + timeout_s
        for event in self._events:
            awaited = self._awaited[event.id, event.source]
            await asyncio.wait([awaited], timeout=max(0.0, deadline - now()))
            yield event, awaited.result() if awaited.done() else None
