"""Count the enrolments of each edition, each of them once, whatever is told twice: python inbox.py [SECONDS].

The inbox is a table of what was taken in. It is written in one transaction with the work; the message is acknowledged
after that. A program that dies in between gets the fact again, and finds it in its inbox.
"""

import asyncio
import os
import sqlite3
import sys

import aio_pika
from aio_pika.abc import AbstractIncomingMessage

from instroom_contracts.cloudevent import decode
from instroom_contracts.enrolment import EnrolmentConfirmed
from instroom_contracts.topology import EVENTS

QUEUE = "int.website.enrolments"
SCHEMA = """
    create table if not exists inbox (source text, id text, primary key (source, id));
    create table if not exists enrolments (edition text primary key, number integer);
"""

store = sqlite3.connect("inbox.sqlite")
store.executescript(SCHEMA)


def take_in(message: AbstractIncomingMessage) -> None:
    """Do the work of a fact, unless it was done."""
    fact = decode(message.body, model=EnrolmentConfirmed, content_type=message.content_type)
    with store:  # one transaction: all of it happens, or nothing
        noted = store.execute("insert or ignore into inbox values (?, ?)", (fact.source, fact.id))
        if noted.rowcount == 0:
            return
        count = (
            "insert into enrolments values (?, 1) on conflict (edition) do update set number = number + 1"
            " returning number"
        )
        (number,) = store.execute(count, (fact.data.edition_id,)).fetchone()
    print(fact.data.edition_id, number, flush=True)


async def listen(quiet: float | None) -> bool:
    """Take facts in one by one until it has been quiet for long enough (True) or the connection is lost (False)."""
    async with await aio_pika.connect(os.environ["RABBITMQ_URL"], timeout=10) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=100)
        queue = await channel.declare_queue(QUEUE, durable=True, arguments={"x-queue-type": "quorum"})
        await queue.bind(EVENTS, "nl.enrolments.enrolment-confirmed.v1")
        try:
            async with queue.iterator(timeout=quiet) as messages:
                async for message in messages:
                    take_in(message)
                    await message.ack()  # after the commit, never before
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
