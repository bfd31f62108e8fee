"""Facts that a test tells itself, as a service would, and the queues that programs hear them on."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import uuid4

import aio_pika
from aiormq.exceptions import ChannelNotFoundEntity

from instroom_contracts.cloudevent import CloudEvent, encode, new_event
from instroom_contracts.enrolment import EnrolmentConfirmed, Place
from instroom_contracts.topology import EVENTS
from tests.e2e.world import World

ENROLMENT = "urn:nld:oin:00000001823288444000:systeem:instroom-enrolment"


def confirmed(edition: str, time: datetime | None = None) -> CloudEvent[EnrolmentConfirmed]:
    """Build the answer to some request for a place in an edition."""
    place = Place(session_id="werksessie", state="confirmed", session_version=1)
    data = EnrolmentConfirmed(enrolment_id=str(uuid4()), edition_id=edition, places=(place,))
    return new_event(data, source=ENROLMENT, time=time)


async def tell(world: World, *facts: CloudEvent[Any]) -> None:
    """Publish facts, with the rights of an administrator."""
    async with world.connection.channel() as channel:
        exchange = await channel.get_exchange(EVENTS)
        for fact in facts:
            wire = encode(fact)
            message = aio_pika.Message(wire.body, content_type=wire.content_type, message_id=wire.message_id)
            await exchange.publish(message, wire.routing_key)


async def readers(world: World, queue: str) -> int:
    """Count who reads a queue; nobody does where there is none."""
    try:
        async with world.connection.channel() as channel:
            declared = await channel.declare_queue(queue, passive=True)
            return declared.declaration_result.consumer_count or 0
    except ChannelNotFoundEntity:
        return 0


async def waiting(world: World, queue: str) -> int:
    """Count the messages that wait in a queue, those that somebody holds left out."""
    async with world.connection.channel() as channel:
        declared = await channel.declare_queue(queue, passive=True)
        return declared.declaration_result.message_count or 0
