"""The channels of the document: what travels on each exchange by its routing key, and queues with their arguments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from faststream.rabbit import ExchangeType, RabbitExchange

from chassis import topology
from chassis.handling import Hears
from deploy import accounts
from instroom_contracts.cloudevent import EventData, type_of
from instroom_contracts.topology import (
    BY_ATTRIBUTE,
    DEAD,
    EVENTS,
    INTAKE,
    PRIVATE,
    STREAM,
    dead_letter_queue,
    exchange_for,
    queue_name,
)
from publishing.asyncapi import tables
from publishing.asyncapi.messages import VERSION

Node = dict[str, Any]

OWN_QUEUE = "int"
"""The name of the channel that stands for integrators' own queues."""

_OWN_ADDRESS = "int.{account}.{purpose}"
_VHOST = {"vhost": accounts.VHOST}


def channels() -> Node:
    """Return every channel by name: first those of an integrator, then those inside."""
    return dict([*_on(INTAKE), *_to_read(), *_on(EVENTS), *_on(PRIVATE), *_service_queues()])


def name(exchange: str, model: type[EventData]) -> str:
    """Return the name of an event's channel, e.g. `instroom.intake.enrolment-requested.v1`."""
    return queue_name(exchange, type_of(model))


def reference(channel: str, model: type[EventData] | None = None) -> Node:
    """Point to a channel of the document, or to one message of it."""
    return {"$ref": f"#/channels/{channel}" + (f"/messages/{model.__name__}" if model else "")}


def _on(exchange: str) -> Iterator[tuple[str, Node]]:
    for model in tables.on(exchange):
        yield (
            name(exchange, model),
            {
                "address": type_of(model),
                "title": f"{model.__name__} on {exchange}",
                "description": f"The exchange is `{exchange}`, and the event's type is the routing key.",
                "messages": _messages((model,)),
                "bindings": _exchange(topology.exchange(exchange)),
            },
        )


def _by_attribute() -> Node:
    return {
        "address": None,
        "title": "Facts by their headers",
        "description": f"The facts of `{EVENTS}`, for queues that choose by attributes in their headers.",
        "messages": _messages(tables.on(EVENTS)),
        "bindings": _exchange(RabbitExchange(BY_ATTRIBUTE, type=ExchangeType.HEADERS, durable=True)),
    }


def _exchange(declared: RabbitExchange) -> Node:
    known = {"name": declared.name, "type": declared.type.value, "durable": declared.durable, "autoDelete": False}
    return {"amqp": {"is": "routingKey", "exchange": {**known, **_VHOST}, **VERSION}}


def _to_read() -> Iterator[tuple[str, Node]]:
    yield OWN_QUEUE, _own_queue()
    yield STREAM, _stream()
    yield BY_ATTRIBUTE, _by_attribute()


def _own_queue() -> Node:
    about = (
        f"Declare it yourself, bound to `{EVENTS}` with the types that you want as routing keys. Durable, and quorum"
        " (`x-queue-type`), where it is to collect while you are away. The broker keeps the newest 500 MB of it, and"
        " removes it after 28 days without a reader. Leave `x-overflow` out. By attributes, such as"
        f" `ce-ownersource`, it is bound to `{BY_ATTRIBUTE}`; with an account that may read a part only, to"
        f" `{exchange_for('<account>')}` instead."
    )
    account = "Your account's name; the account `integrator` of a stack to try things may take any."
    return {
        "address": _OWN_ADDRESS,
        "title": "Your own queue",
        "description": about,
        "parameters": {
            "account": {"description": account, "examples": ["website"]},
            "purpose": {"description": "Whatever tells your queues apart.", "examples": ["answers"]},
        },
        "messages": _messages(tables.on(EVENTS)),
        "bindings": _queue(_OWN_ADDRESS, {"x-queue-type": "quorum"}),
        "x-bound-to": [EVENTS, BY_ATTRIBUTE, exchange_for("{account}")],
    }


def _stream() -> Node:
    about = (
        "Every fact of the last 400 days, to be read again: consume with the argument `x-stream-offset` (`first`,"
        " `last`, `next`, a number or a timestamp), a prefetch count and acknowledgements. It keeps no place for you."
        " The header `x-stream-offset` of a message is its number."
    )
    (stream,) = (queue for queue in accounts.template()["queues"] if queue["name"] == STREAM)
    return {
        "address": STREAM,
        "title": "Every fact, for replay",
        "description": about,
        "messages": _messages(tables.on(EVENTS)),
        "bindings": _queue(STREAM, stream["arguments"]),
        "x-bound-to": [EVENTS],
    }


def _service_queues() -> Iterator[tuple[str, Node]]:
    for service in tables.SERVICES:
        for queue, heard in service.queues.items():
            yield queue, _service_queue(service.name, queue, heard)


def _service_queue(service: str, queue: str, heard: Hears) -> Node:
    key, dead = topology.routing_key(heard), dead_letter_queue(queue)
    return {
        "address": queue,
        "title": f"A queue of {service}",
        "description": f"Bound to `{heard.exchange}` by `{key}`. What is given up lies in `{dead}`.",
        "messages": _messages(tables.messages_in(heard)),
        "bindings": _queue(queue, topology.queue(queue, key).arguments or {}),
        "x-bound-to": [heard.exchange],
        "x-dead-letters": {"exchange": DEAD, "routingKey": queue, "queue": dead},
    }


def _queue(address: str, arguments: Node) -> Node:
    """Return the binding of a durable queue; `x-arguments` is what it is declared with."""
    queue = {"name": address, "durable": True, "exclusive": False, "autoDelete": False, **_VHOST}
    return {"amqp": {"is": "queue", "queue": {**queue, "x-arguments": dict(arguments)}, **VERSION}}


def _messages(models: Sequence[type[EventData]]) -> Node:
    return {model.__name__: {"$ref": f"#/components/messages/{model.__name__}"} for model in models}
