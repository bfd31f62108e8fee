"""Ask for a place and wait for the answer: python enrol.py [NAME MAIL-ADDRESS]."""

import asyncio
import os
import sys
from dataclasses import asdict
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import aio_pika
from aio_pika.abc import AbstractExchange, AbstractQueue

from instroom_contracts.cloudevent import CloudEvent, EventData, decode, encode, new_event
from instroom_contracts.enrolment import EnrolmentConfirmed, EnrolmentQueued, EnrolmentRejected
from instroom_contracts.intake import EnrolmentRequested, Participant
from instroom_contracts.topology import EVENTS, INTAKE, TYPES

URL = os.environ["RABBITMQ_URL"]
SOURCE = "urn:nld:oin:00000001823288444000:systeem:website"
ANSWERS = [f"nl.enrolments.enrolment-{answer}.v1" for answer in ("confirmed", "queued", "rejected")]


def request_of(name: str, email: str) -> CloudEvent[EnrolmentRequested]:
    """Build the event. It keeps its id for ever: sent twice, it is decided once."""
    participant = Participant(
        name=name, email=email, organisation="Gemeente Voorbeeld", role="projectleider", region="noord"
    )
    return new_event(
        EnrolmentRequested(
            edition_id="vng-participatieweek-2021-noord",
            participant=participant,
            session_ids=("participatie-als-proces",),
        ),
        source=SOURCE,
        time=datetime.fromisoformat("2021-05-20T11:30:00+02:00"),  # when the participant asked; else now
    )


async def publish(intake: AbstractExchange, event: CloudEvent[Any]) -> None:
    """Publish an event; return when the broker has it on disk. Raises where it has not: then send the same again."""
    properties = asdict(encode(event))
    routing_key = properties.pop("routing_key")
    user = unquote(urlsplit(URL).username or "")  # says whose source it is; the broker checks it
    message = aio_pika.Message(**properties, delivery_mode=aio_pika.DeliveryMode.PERSISTENT, user_id=user)
    await intake.publish(message, routing_key, mandatory=True, timeout=10)


async def answer_to(request: CloudEvent[Any], answers: AbstractQueue) -> EventData:
    """Wait for the one answer among those to others; after 30 s look in the stream, and send the same event again."""
    async with asyncio.timeout(30), answers.iterator(no_ack=True) as messages:
        async for message in messages:
            model = TYPES[message.routing_key or ""].model
            fact = decode(message.body, model=model, content_type=message.content_type)
            if (fact.correlationsource, fact.correlationid) == (request.source, request.id):
                return fact.data
    raise ConnectionError("The connection was lost before the answer came: look for it in the stream.")


async def main(name: str, email: str) -> None:
    """Listen first, then ask: the answer is told once."""
    request = request_of(name, email)
    async with await aio_pika.connect(URL) as connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        answers = await channel.declare_queue("int.website.enrol", exclusive=True)
        for answer in ANSWERS:
            await answers.bind(EVENTS, answer)
        await publish(await channel.get_exchange(INTAKE), request)
        print("request", request.id, flush=True)
        tell(await answer_to(request, answers))


def tell(answer: EventData) -> None:
    """Print what was decided."""
    if isinstance(answer, EnrolmentConfirmed | EnrolmentQueued):
        print("enrolment", answer.enrolment_id)
        for place in answer.places:
            print(" ", *filter(None, (place.session_id, place.state, place.position)))
    elif isinstance(answer, EnrolmentRejected):
        print("refused:", answer.reason, "-", answer.detail)


if __name__ == "__main__":
    asyncio.run(main(*(sys.argv[1:] or ("Robin Jansen", "robin.jansen@example.org"))))
