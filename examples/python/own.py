"""Hear what is about your own requests and enrolments alone: python own.py [SECONDS].

Everybody's facts stay where they are: the broker selects. Where your operator gives you a part of the facts only, bind
your queue to `instroom.for.<your account>` as subscribe.py binds its own to `instroom.events`.
"""

import asyncio
import json
import os
import sys
from typing import Any

import aio_pika

from instroom_contracts.topology import BY_ATTRIBUTE

QUEUE = "int.website.own"
SOURCE = "urn:nld:oin:00000001823288444000:systeem:website"
OWN: dict[str, Any] = {"x-match": "all", "ce-ownersource": SOURCE}  # add "ce-type" or "ce-partitionkey" to narrow it


async def main(quiet: float | None = None) -> None:
    """Print types until it has been quiet for so many seconds; for a connection that is lost see subscribe.py."""
    async with await aio_pika.connect(os.environ["RABBITMQ_URL"]) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=100)
        queue = await channel.declare_queue(QUEUE, durable=True, arguments={"x-queue-type": "quorum"})
        await queue.bind(BY_ATTRIBUTE, arguments=OWN)
        try:
            async with queue.iterator(timeout=quiet) as messages:
                async for message in messages:
                    print(message.type, json.loads(message.body)["subject"], flush=True)
                    await message.ack()
        except TimeoutError:
            return


if __name__ == "__main__":
    asyncio.run(main(*map(float, sys.argv[1:])))
