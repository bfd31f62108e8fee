"""Have the answer to a request told again, and hear it: python again.py REQUEST-ID."""

import asyncio
import os
import sys
from dataclasses import asdict
from typing import Any
from urllib.parse import unquote, urlsplit

import aio_pika
from aio_pika.abc import AbstractExchange, AbstractQueue

from instroom_contracts.cloudevent import CloudEvent, decode, encode, new_event
from instroom_contracts.enrolment import RequestRefused
from instroom_contracts.intake import AnswerRequested
from instroom_contracts.topology import BY_ATTRIBUTE, INTAKE, TYPES

URL = os.environ["RABBITMQ_URL"]
SOURCE = "urn:nld:oin:00000001823288444000:systeem:website"  # the one that sent the request
OWN: dict[str, Any] = {"x-match": "all", "ce-ownersource": SOURCE}


async def publish(intake: AbstractExchange, event: CloudEvent[Any]) -> None:
    """Publish an event; return when the broker has it on disk. Raises where it has not: then send the same again."""
    properties = asdict(encode(event))
    routing_key = properties.pop("routing_key")
    user = unquote(urlsplit(URL).username or "")  # says whose source it is; the broker checks it
    message = aio_pika.Message(**properties, delivery_mode=aio_pika.DeliveryMode.PERSISTENT, user_id=user)
    await intake.publish(message, routing_key, mandatory=True, timeout=10)


async def hear(asked: CloudEvent[AnswerRequested], own: AbstractQueue) -> None:
    """Print what is told again, until the asking itself is answered."""
    async with asyncio.timeout(30), own.iterator(no_ack=True) as messages:
        async for message in messages:
            model = TYPES[message.routing_key or ""].model
            fact = decode(message.body, model=model, content_type=message.content_type)
            if fact.correlationid == asked.data.request_id:
                print(type(fact.data).__name__, fact.id)
            elif fact.correlationid == asked.id:
                detail = (fact.data.detail,) if isinstance(fact.data, RequestRefused) else ()
                print(type(fact.data).__name__, *detail)
                return


async def main(request_id: str) -> None:
    """Listen to what is one's own first, then ask."""
    async with await aio_pika.connect(URL) as connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        queue = await channel.declare_queue("int.website.again", exclusive=True)
        await queue.bind(BY_ATTRIBUTE, arguments=OWN)
        asked = new_event(AnswerRequested(request_id=request_id), source=SOURCE)
        await publish(await channel.get_exchange(INTAKE), asked)
        await hear(asked, queue)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
