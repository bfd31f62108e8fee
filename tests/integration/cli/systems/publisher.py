"""A publisher: python -m tests.integration.cli.systems.publisher FOLDER [FAULT].

It keeps its requests in a folder until they are confirmed, as a good one does; FAULT spoils one thing.
`as=NAME` in its place is no fault: it then says which account it is, on queues of that name.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import aio_pika
from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import AMQPError

TYPE = "nl.enrolments.enrolment-requested.v1"
SOURCE = "urn:nld:oin:00000001823288444000:systeem:website"
ANSWERS = ("confirmed", "queued", "rejected")


def event(fault: str, name: str) -> dict[str, Any]:
    """Ask for a place."""
    participant = {
        "name": "Robin Jansen",
        "email": f"{name}@example.org",
        "organisation": "Gemeente Voorbeeld",
        "role": "beleidsmedewerker",
        **({"telefoon": "0"} if fault == "unknown-field" else {}),
    }
    return {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": SOURCE,
        "type": TYPE,
        "time": "2021-05-20T11:30:00" if fault == "no-offset" else "2021-05-20T11:30:00+02:00",
        "data": {"editionId": "cmo-stamm-participatie-2021", "participant": participant},
    }


def outbox(folder: Path, fault: str) -> list[dict[str, Any]]:
    """Return what is to be sent: what was kept, or else two new requests."""
    kept = folder / "outbox.json"
    if kept.exists() and fault != "forgets":
        events: list[dict[str, Any]] = json.loads(kept.read_text())
        return events
    events = [event(fault, name) for name in ("robin", "sam")]
    if fault == "id-reused":
        events[1]["id"] = events[0]["id"]
    kept.write_text(json.dumps(events))
    return events


def message(event: dict[str, Any], fault: str) -> aio_pika.Message:
    """Make the message of an event."""
    is_kept = fault != "not-persistent"
    return aio_pika.Message(
        json.dumps(event).encode(),
        content_type="application/json" if fault == "content-type" else "application/cloudevents+json",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT if is_kept else aio_pika.DeliveryMode.NOT_PERSISTENT,
        message_id="another" if fault == "message-id" else event["id"],
        type=TYPE,
        user_id=fault.removeprefix("as=") if fault.startswith("as=") else None,
    )


async def listen(channel: AbstractChannel, fault: str) -> None:
    """Take answers from a queue of its own."""
    owner = fault.removeprefix("as=") if fault.startswith("as=") else "website"
    queue = await channel.declare_queue(f"int.{owner}.answers", durable=True)
    for answer in ANSWERS[:1] if fault == "deaf" else ANSWERS:
        await queue.bind("instroom.events", f"nl.enrolments.enrolment-{answer}.v1")
    await queue.consume(lambda message: message.ack())


async def publish(folder: Path, fault: str) -> None:
    """Publish until everything is confirmed, over as many connections as that takes."""
    while True:
        try:
            async with await aio_pika.connect(os.environ["RABBITMQ_URL"]) as connection:
                confirms = fault != "no-confirms"
                channel = await connection.channel(publisher_confirms=confirms, on_return_raises=confirms)
                await listen(channel, fault)
                if fault == "declares":
                    await channel.declare_exchange("instroom.intake", "topic", durable=True)
                intake = await channel.get_exchange("instroom.intake", ensure=False)
                for one in outbox(folder, fault):
                    key = "nl.enrolments.enrolment-request.v1" if fault == "routing-key" else TYPE
                    await intake.publish(message(one, fault), key, mandatory=fault != "not-mandatory")
                await asyncio.sleep(1)
                return
        except AMQPError:
            if fault == "gives-up":
                return


if __name__ == "__main__":
    asyncio.run(publish(Path(sys.argv[1]), *sys.argv[2:] or [""]))
