"""The replay stream: facts from its beginning, from a moment, or from now on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import datetime, timedelta

from aio_pika.abc import AbstractConnection, AbstractIncomingMessage

from cli.facts import Fact
from cli.trouble import Exit, Trouble
from instroom_contracts import topology

PREFETCH = 500
FIRST_WITHIN_S = 2.0
QUIET_S = 0.3
LOOK_S = 3.0
STALLED_S = 5.0
"""So long without a first message means that `start` is a moment after the newest one."""
CLOCKS_S = 300
"""So far may the clocks of the broker and of the services be apart: a moment is looked for so much earlier."""

Start = datetime | str | int
"""Where to begin: `first`, `last` (the last chunk that was written), `next`, a moment, or an offset."""

Messages = AsyncGenerator[tuple[int, Fact | None], None]
"""Messages with their offsets; None in place of a fact stands for one that is no event."""


async def follow(connection: AbstractConnection, start: Start) -> Messages:
    """Give every message from `start` on, for ever."""
    arrived: asyncio.Queue[AbstractIncomingMessage | None] = asyncio.Queue()
    channel = await connection.channel()
    channel.close_callbacks.add(lambda *_: arrived.put_nowait(None))
    await channel.set_qos(PREFETCH)
    stream = await channel.get_queue(topology.STREAM, ensure=False)
    offset = start - timedelta(seconds=CLOCKS_S) if isinstance(start, datetime) else start
    await stream.consume(arrived.put, arguments={"x-stream-offset": offset})
    try:
        async for message in _acknowledged(arrived):
            yield int(str(message.headers["x-stream-offset"])), Fact.read(message.body)
    finally:
        await channel.close()


async def _acknowledged(
    arrived: asyncio.Queue[AbstractIncomingMessage | None],
) -> AsyncIterator[AbstractIncomingMessage]:
    """Give messages as they arrive; the broker sends on as runs of them are acknowledged."""
    unacknowledged = 0
    while message := await arrived.get():
        unacknowledged += 1
        if arrived.empty() or unacknowledged == PREFETCH // 2:
            await message.ack(multiple=True)
            unacknowledged = 0
        yield message
    raise Trouble("RabbitMQ ended the connection.", Exit.UNREACHABLE)


async def read_up_to_now(connection: AbstractConnection, start: Start = "first") -> Messages:
    """Give every message that the stream holds from `start` on, as `follow` does, and end at the newest.

    Raises `Trouble` where the stream falls silent before that: what was given is not the whole.
    """
    end = await _last_offset(connection)
    if end is None or (isinstance(start, int) and start > end):
        return
    last = None
    async with aclosing(follow(connection, start)) as messages:
        while (message := await _next_within(STALLED_S, messages)) and message[0] <= end:
            last = message[0]
            yield message
            if last == end:
                return
    if message is None and last is not None:
        raise Trouble(f"The stream fell silent at offset {last} of {end}: this is not all of it.", Exit.UNREACHABLE)


async def _last_offset(connection: AbstractConnection) -> int | None:
    """Return the offset of the newest message; None where the stream is empty.

    AMQP can only begin at the last chunk, whose messages come at once: read until it is quiet for a moment. Raises
    `Trouble` where nothing comes of a stream that is not empty.
    """
    last: int | None = None
    now = asyncio.get_running_loop().time
    deadline = now() + LOOK_S
    async with aclosing(follow(connection, "last")) as messages:
        while now() < deadline:
            message = await _next_within(FIRST_WITHIN_S if last is None else QUIET_S, messages)
            if message is None:
                break
            last = message[0]
    if last is None and await _message_count(connection):
        raise Trouble("The stream holds facts and gave none of them: RabbitMQ is busy. Try again.", Exit.UNREACHABLE)
    return last


async def _message_count(connection: AbstractConnection) -> int:
    """Return how many messages the stream held some seconds ago, as the broker counts them."""
    async with connection.channel() as channel:
        stream = await channel.declare_queue(topology.STREAM, passive=True)
    return stream.declaration_result.message_count or 0


async def _next_within(seconds: float, messages: Messages) -> tuple[int, Fact | None] | None:
    try:
        async with asyncio.timeout(seconds):
            return await anext(messages)
    except TimeoutError:
        return None
