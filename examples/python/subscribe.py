"""Hear every fact on a durable queue of your own: python subscribe.py [SECONDS].

It goes on until Ctrl-C; with SECONDS, until nothing has come for so long. While it is away, the queue keeps what is
told. A fact may come twice: to print it twice does no harm. Where work may be done once only, see inbox.py.
"""

import asyncio
import os
import sys

import aio_pika
from aio_pika.abc import AbstractIncomingMessage

from instroom_contracts.cloudevent import decode
from instroom_contracts.topology import EVENTS, TYPES

QUEUE = "int.website.facts"


def work(message: AbstractIncomingMessage) -> None:
    """Print what was told; leave out what is newer than this program."""
    if listed := TYPES.get(message.routing_key or ""):
        fact = decode(message.body, model=listed.model, content_type=message.content_type)
        print(type(fact.data).__name__, getattr(fact.data, "edition_id", None), fact.subject, flush=True)


async def listen(quiet: float | None) -> bool:
    """Take facts in one by one until it has been quiet for long enough (True) or the connection is lost (False)."""
    async with await aio_pika.connect(os.environ["RABBITMQ_URL"], timeout=10) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=100)
        queue = await channel.declare_queue(QUEUE, durable=True, arguments={"x-queue-type": "quorum"})
        await queue.bind(EVENTS, "#")  # or only the types that you need, with a bind for each
        try:
            async with queue.iterator(timeout=quiet) as messages:
                async for message in messages:
                    work(message)
                    await message.ack()  # after the work, never before
        except TimeoutError:
            return True
    return False


async def main(quiet: float | None = None) -> None:
    """Listen, and connect again when the connection is lost; what was not acknowledged comes again."""
    while True:
        try:
            if await listen(quiet):
                return
        except (OSError, aio_pika.exceptions.AMQPError) as trouble:
            print("no connection:", trouble, file=sys.stderr)
        await asyncio.sleep(1)


if __name__ == "__main__":
    asyncio.run(main(*map(float, sys.argv[1:])))
