"""The operations of the document: what an integrator does, what the operator does, and what each service does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chassis.handling import Hears
from instroom_contracts.cloudevent import EventData
from instroom_contracts.topology import EVENTS, INTAKE, PRIVATE, STREAM
from publishing.asyncapi import channels, tables
from publishing.asyncapi.channels import OWN_QUEUE, reference
from publishing.asyncapi.messages import VERSION
from publishing.asyncapi.tables import SERVICES, Service

Node = dict[str, Any]
Named = Iterator[tuple[str, Node]]

INTEGRATOR, OPERATOR = "integrator", "operator"
_SENT = {"amqp": {"deliveryMode": 2, "mandatory": True, "timestamp": True, **VERSION}}
_READ = {"amqp": {"ack": True, **VERSION}}


def tags() -> list[Node]:
    """Return who does something, in the order in which the document lists it."""
    return [
        {"name": INTEGRATOR, "description": "What your application does."},
        {"name": OPERATOR, "description": "What `instroom catalog` and `instroom integrator` do."},
        *({"name": service.name, "description": f"What the {service.name} service does."} for service in SERVICES),
    ]


def operations() -> Node:
    """Return every operation by name."""
    return dict([*_of_integrators(), *_of_the_operator(), *(pair for one in SERVICES for pair in _of_a_service(one))])


def _of_integrators() -> Named:
    for model in tables.on(INTAKE):
        yield f"send{model.__name__}", _ask(INTEGRATOR, model, INTAKE)
    yield "receiveFacts", _read("Receive facts as they happen", OWN_QUEUE)
    yield "replayFacts", _read("Read facts of the last 400 days again", STREAM)


def _of_the_operator() -> Named:
    for model in tables.on(PRIVATE):
        if not tables.telling(model):
            yield f"send{model.__name__}", _ask(OPERATOR, model, PRIVATE)


def _of_a_service(service: Service) -> Named:
    for queue, heard in service.queues.items():
        yield f"{service.name}Hears{heard.model.__name__}", _hear(service, queue, heard)
    for told in service.tells:
        yield f"{service.name}Tells{told.model.__name__}", _tell(service, told.model, told.exchange)


def _ask(who: str, model: type[EventData], exchange: str) -> Node:
    about, _, __ = (model.__doc__ or "").partition("\n")
    answers = [reference(OWN_QUEUE, answer) for answer in tables.answers_to(model)]
    return {
        **_operation("send", f"Send {model.__name__}", about, who),
        **_over(channels.name(exchange, model), (model,)),
        "reply": {"channel": reference(OWN_QUEUE), "messages": answers},
        "bindings": _SENT,
    }


def _read(summary: str, channel: str) -> Node:
    return {
        **_operation("receive", summary, summary, INTEGRATOR),
        **_over(channel, tables.on(EVENTS)),
        "bindings": _READ,
    }


def _hear(service: Service, queue: str, heard: Hears) -> Node:
    models = tables.messages_in(heard)
    named = heard.model.__name__ if models == (heard.model,) else "what no other queue is bound for"
    title = f"{service.name} hears {named}"
    return {**_operation("receive", title, title, service.name), **_over(queue, models), "bindings": _READ}


def _tell(service: Service, model: type[EventData], exchange: str) -> Node:
    title = f"{service.name} tells {model.__name__}"
    return {
        **_operation("send", title, title, service.name),
        **_over(channels.name(exchange, model), (model,)),
        "bindings": _SENT,
    }


def _operation(action: str, title: str, summary: str, who: str) -> Node:
    return {"action": action, "title": title, "summary": summary, "tags": [{"name": who}]}


def _over(channel: str, models: tables.Models) -> Node:
    return {"channel": reference(channel), "messages": [reference(channel, model) for model in models]}
