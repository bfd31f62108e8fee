"""A subscriber: python -m tests.integration.cli.systems.subscriber FOLDER [FAULT].

It does its work and its bookkeeping in one transaction, and acknowledges after that; FAULT spoils one thing.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import sys
from pathlib import Path
from typing import Any

import aio_pika
from aio_pika.abc import AbstractIncomingMessage

from instroom_contracts import topology

KNOWN_FIELDS = {"sessionId", "editionId", "capacity", "confirmed", "queued", "sessionVersion"}
KNOWN_TYPE = "nl.enrolments.session-full.v1"

TAKE = {
    "": "insert into seats values (?, ?, 1) on conflict (session) do update"
    " set version = excluded.version, times = times + 1 where excluded.version > seats.version",
    "counts-twice": "insert into seats values (?, ?, 1) on conflict (session) do update"
    " set version = excluded.version, times = times + 1 where excluded.version >= seats.version",
    "takes-older": "insert into seats values (?, ?, 1) on conflict (session) do update"
    " set version = excluded.version, times = times + 1",
}


class Store:
    """Holds what it knows of sessions, and which facts it has heard."""

    def __init__(self, folder: Path) -> None:
        self.database = sqlite3.connect(folder / "facts.sqlite")
        self.database.execute("create table if not exists heard (source text, id text, primary key (source, id))")
        self.database.execute("create table if not exists seats (session text primary key, version int, times int)")

    def take(self, fact: dict[str, Any], fault: str) -> None:
        """Take a fact in, once, and only where it is newer."""
        if fact["type"] != KNOWN_TYPE:
            return
        data = fact["data"]
        with self.database:
            heard = self.database.execute("insert or ignore into heard values (?, ?)", (fact["source"], fact["id"]))
            if heard.rowcount == 0 and fault == "dies-of-duplicates":
                raise SystemExit(7)
            if heard.rowcount == 0 and fault != "counts-twice":
                return
            key = f"{data['editionId']}/{data['sessionId']}"
            self.database.execute(TAKE.get(fault, TAKE[""]), (key, data["sessionVersion"]))


async def handle(message: AbstractIncomingMessage, store: Store, fault: str) -> None:
    """Take one message in, and say so to the broker."""
    if fault == "never-acknowledges":
        return
    try:
        fact = json.loads(message.body)
    except ValueError:
        await message.reject(requeue=fault == "loops")
        return
    if fault == "strict" and not set(fact["data"]) <= KNOWN_FIELDS:
        raise SystemExit(8)
    if fault == "strict-types" and fact["type"] not in topology.TYPES:
        raise SystemExit(9)
    if fault == "acknowledges-first":
        await message.ack()
        await asyncio.sleep(0.3)
    store.take(fact, fault)
    if fault not in {"acknowledges-first", "automatic"}:
        await message.ack()


async def listen(folder: Path, fault: str) -> None:
    """Read a queue of its own, over as many connections as that takes."""
    store = Store(folder)
    connect = aio_pika.connect if fault in {"hangs", "ends"} else aio_pika.connect_robust
    async with await connect(os.environ["RABBITMQ_URL"]) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=0 if fault == "no-prefetch" else 100)
        arguments = {"x-queue-type": "quorum"}
        if fault == "overflow":
            arguments["x-overflow"] = "reject-publish"
        queue = await channel.declare_queue("int.website.seats", durable=True, arguments=dict(arguments))
        key = "nl.enrolments.#" if fault == "strict-types" else KNOWN_TYPE
        await queue.bind("instroom.events", f"{KNOWN_TYPE}x" if fault == "misspelt" else key)
        failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def on_message(message: AbstractIncomingMessage) -> None:
            try:
                await handle(message, store, fault)
            except SystemExit as end:
                os._exit(int(str(end.code)))

        if fault == "ends":
            connection.close_callbacks.add(lambda *_: os._exit(1))
        await queue.consume(on_message, no_ack=fault == "automatic")
        await failed


if __name__ == "__main__":
    asyncio.run(listen(Path(sys.argv[1]), *sys.argv[2:] or [""]))
