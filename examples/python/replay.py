"""Read from the stream what was told since a date, each fact once: python replay.py DATE, such as 2026-01-31.

It ends when nothing has come for two seconds. To go on from there, keep listening on a queue of your own that was
bound before the replay: what comes twice is recognised by its source and id.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import aio_pika

from instroom_contracts.cloudevent import CloudEvent, decode
from instroom_contracts.topology import STREAM, TYPES

QUIET_S = 2.0


async def facts_since(moment: datetime) -> AsyncIterator[CloudEvent[Any]]:
    """Give the facts that were told since a moment, in the order of the stream."""
    seen: set[tuple[str, str]] = set()
    async with await aio_pika.connect(os.environ["RABBITMQ_URL"]) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=200)  # a stream demands it, and acknowledgements
        stream = await channel.get_queue(STREAM, ensure=False)
        async with stream.iterator(arguments={"x-stream-offset": moment}, timeout=QUIET_S) as messages:
            async for message in messages:
                await message.ack()  # asks for more; a stream keeps what it has
                if listed := TYPES.get(message.routing_key or ""):  # else it is newer than this program
                    fact = decode(message.body, model=listed.model, content_type=message.content_type)
                    is_new = (fact.source, fact.id) not in seen  # after a crash a fact may be told again
                    seen.add((fact.source, fact.id))
                    if is_new and fact.time >= moment:  # the stream begins somewhat earlier
                        yield fact


async def main(date: str) -> None:
    """Print what was told since a date: a day begins at midnight here, unless a time and an offset are given."""
    try:
        async for fact in facts_since(datetime.fromisoformat(date).astimezone()):
            named = (getattr(fact.data, name, None) for name in ("edition_id", "session_id", "session_version"))
            print(fact.time.isoformat(), type(fact.data).__name__, *filter(None, named))
    except TimeoutError:
        pass  # quiet: that was all


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
