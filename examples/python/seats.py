"""Show how many places sessions have, from the facts alone: python seats.py DATE, such as 2026-01-31.

It reads the stream from that date on, when the first person enrolled, and ends when nothing has come for two seconds. A
fact may be told again, long after: the highest version of a session is the newest, in whatever order they come.
"""

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

import aio_pika

from instroom_contracts.cloudevent import decode
from instroom_contracts.topology import STREAM, TYPES

QUIET_S = 2.0


def counts_in(fact: Any) -> Iterator[tuple[str, Any]]:
    """Give the sessions that a fact says something of, with what holds their version and their counts."""
    if hasattr(fact, "session_version"):
        yield f"{fact.edition_id}/{fact.session_id}", fact
    for party in (fact, *getattr(fact, "companions", ())):
        for place in getattr(party, "places", ()):
            yield f"{fact.edition_id}/{place.session_id}", place


async def take_in(newest: dict[str, Any], moment: datetime) -> None:
    """Keep what the newest fact says of each session."""
    async with await aio_pika.connect(os.environ["RABBITMQ_URL"]) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=200)  # a stream demands it, and acknowledgements
        stream = await channel.get_queue(STREAM, ensure=False)
        async with stream.iterator(arguments={"x-stream-offset": moment}, timeout=QUIET_S) as messages:
            async for message in messages:
                await message.ack()
                if listed := TYPES.get(message.routing_key or ""):  # else it is newer than this program
                    fact = decode(message.body, model=listed.model, content_type=message.content_type)
                    for session, counted in counts_in(fact.data):
                        before = newest.get(session)
                        if before is None or counted.session_version > before.session_version:
                            newest[session] = counted


async def main(date: str) -> None:
    """Print the places of each session that anything was told of; a day begins at midnight here."""
    newest: dict[str, Any] = {}
    with suppress(TimeoutError):  # quiet: that was all
        await take_in(newest, datetime.fromisoformat(date).astimezone())
    for session, counted in sorted(newest.items()):
        if counted.confirmed is not None:  # facts of before 0.3.0 do not say it
            print(f"{session}: {counted.confirmed} confirmed, {counted.queued} queued")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
