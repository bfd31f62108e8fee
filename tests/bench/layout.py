"""What the measurement has on the servers, beside what belongs to the services."""

from __future__ import annotations

from aiormq.abc import AbstractChannel

from chassis import topology
from instroom_contracts import topology as names
from instroom_contracts.cloudevent import EventData, type_of
from instroom_contracts.enrolment import EnrolmentConfirmed, EnrolmentQueued
from instroom_contracts.notification import InvitationRequested, NoticeRequested

ANSWERS = "bench.answers"
"""The topic exchange to which the references answer."""

COUNTED = "bench.counted"
"""The queue that collects answers, of Instroom and of the references; only its depth is looked at."""

BARE_LOOP, TEXTBOOK = "bench.bare-loop", "bench.textbook"
"""The references' own intake queues, of the same kind as the services'."""

ANSWERING = (EnrolmentConfirmed, EnrolmentQueued)
"""The answers that count. A refusal is cheaper, and nobody asks for one here: with one, a measure would not end."""
BY_THE_WAY = (InvitationRequested, NoticeRequested)


def intake(service: str, model: type[EventData]) -> str:
    """Return the name of a service's queue for an event."""
    return names.queue_name(service, type_of(model))


PRIVATE = tuple(intake("notification", model) for model in BY_THE_WAY)
"""Where the enrolment service's private messages gather while no notification service runs."""


async def declare(channel: AbstractChannel) -> None:
    """Declare the exchange and the queues of the measurement; those of the services must be there."""
    await channel.exchange_declare(ANSWERS, exchange_type="topic", durable=True)
    for queue in (BARE_LOOP, TEXTBOOK, COUNTED):
        await channel.queue_declare(queue, durable=True, arguments=topology.queue(queue, "").arguments)
    await channel.queue_bind(COUNTED, ANSWERS, "#")
    for model in ANSWERING:
        await channel.queue_bind(COUNTED, names.EVENTS, type_of(model))
