"""What a service needs on the broker, derived from its two tables.

What keeps messages safe stands in the queues' arguments, so that a broker without our policies is as safe; what an
operator may tune stands in policies (deploy/rabbitmq/definitions.json). Exchanges and the stream are everybody's: they
stand there too, are made when the stack is set up, and no service may change them.
"""

from __future__ import annotations

from collections.abc import Mapping

from aio_pika.abc import AbstractRobustConnection
from faststream.rabbit import Channel, ExchangeType, QueueType, RabbitExchange, RabbitQueue

from chassis.handling import Hears, UnknownType
from instroom_contracts import topology as names
from instroom_contracts.cloudevent import type_of

UNROUTED = "instroom.unrouted"
"""Where a policy sends what nobody is bound for on the intake (its alternate exchange)."""

BYPASS = "instroom.events.bypass"
"""The exchange by which facts go past queues that do not take them."""


def exchange(name: str) -> RabbitExchange:
    """Return an exchange that is there: topic, durable."""
    return RabbitExchange(name, type=ExchangeType.TOPIC, durable=True, declare=False)


def queue(name: str, routing_key: str) -> RabbitQueue:
    """Return an intake queue: quorum, never dropping, dead-lettering to its own `.dead` queue at least once."""
    return RabbitQueue(
        name,
        queue_type=QueueType.QUORUM,
        durable=True,
        routing_key=routing_key,
        arguments={
            "x-dead-letter-exchange": names.DEAD,
            "x-dead-letter-routing-key": name,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        },
    )


def routing_key(heard: Hears) -> str:
    """Return the key that brings this event into its queue."""
    return "#" if heard.model is UnknownType else type_of(heard.model)


def heard_queues(service: str, hears: tuple[Hears, ...]) -> dict[str, Hears]:
    """Return the queues of a service by name, one per event that it hears."""
    return {_queue_name(service, heard): heard for heard in hears}


def _queue_name(service: str, heard: Hears) -> str:
    if heard.model is UnknownType:
        return f"{service}.unknown-type"
    return names.queue_name(service, type_of(heard.model))


async def declare(connection: AbstractRobustConnection, queues: list[str]) -> None:
    """Declare a dead-letter queue for each of these queues.

    Raises aio-pika's `ChannelNotFoundEntity` where the broker was not given its definitions.
    """
    async with connection.channel() as channel:
        await channel.get_exchange(names.EVENTS)
        for name in queues:
            dead = await channel.declare_queue(
                names.dead_letter_queue(name), durable=True, arguments={"x-queue-type": "quorum"}
            )
            await dead.bind(names.DEAD, name)


async def declare_heard(connection: AbstractRobustConnection, heard: Mapping[str, Hears]) -> None:
    """Declare the queues for facts as FastStream will, and let facts that go past others' queues come to them."""
    async with connection.channel() as channel:
        for name, hears in heard.items():
            if hears.exchange == names.EVENTS:
                declared = await channel.declare_queue(name, durable=True, arguments=queue(name, "").arguments)
                await declared.bind(BYPASS, routing_key(hears))


def own_channel(prefetch: int) -> Channel:
    """Return a channel for one subscriber alone."""
    return Channel(prefetch_count=prefetch)
