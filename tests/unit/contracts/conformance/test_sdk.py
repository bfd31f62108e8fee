"""The CloudEvents project's own SDK reads what we send, and we read what it writes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.bindings import amqp, rabbitmq
from cloudevents.core.exceptions import CloudEventValidationError
from cloudevents.core.v1.event import CloudEvent as SdkEvent

from instroom_contracts.cloudevent import STRUCTURED, CloudEvent, Wire, decode
from instroom_contracts.schemas import sample
from instroom_contracts.topology import TYPES
from tests.unit.contracts.conformance.messages import SENT, event_of


def read_by_sdk(wire: Wire) -> BaseCloudEvent:
    """Read a message with RabbitMQ's binding of the SDK, which tells the mode by itself."""
    return rabbitmq.from_rabbitmq_event(rabbitmq.RabbitMQMessage(wire.headers, wire.content_type, wire.body))


def said(event: BaseCloudEvent) -> dict[str, Any]:
    """Return an event of the SDK as the JSON value that it stands for; its time is compared as an instant."""
    return {**event.get_attributes(), "data": event.get_data()}


def meant(event: CloudEvent[Any], body: bytes) -> dict[str, Any]:
    """Return an event of ours in the same form."""
    return {**json.loads(body), "time": event.time}


@pytest.mark.parametrize("type", TYPES)
def test_the_sdk_reads_every_sample(type: str) -> None:
    """The samples are what integrators start from; each is an event to an independent reader."""
    message = rabbitmq.RabbitMQMessage({}, STRUCTURED, sample(type))
    assert said(rabbitmq.from_rabbitmq_event(message)) == meant(event_of(type), sample(type))


@pytest.mark.parametrize("type", TYPES)
def test_the_sdk_reads_every_event_that_we_send(type: str) -> None:
    """Attribute by attribute and field by field, with our headers beside the body."""
    assert said(read_by_sdk(SENT[type])) == meant(event_of(type), SENT[type].body)


@pytest.mark.parametrize("type", TYPES)
def test_the_headers_that_we_send_are_attributes_to_the_sdk(type: str) -> None:
    """Who routes by headers sees the same event as who parses the body."""
    data = json.dumps(json.loads(SENT[type].body)["data"]).encode()
    headers = {name: value for name, value in SENT[type].headers.items() if name != "ce-datacontenttype"}
    message = rabbitmq.RabbitMQMessage(headers, "application/json", data)
    assert said(rabbitmq.from_rabbitmq_event(message)) == said(read_by_sdk(SENT[type]))


@pytest.mark.parametrize("damage", [{"specversion": "2.0"}, {"id": ""}, {"type": None}, {"Region": "noord"}])
def test_the_sdk_refuses_what_is_no_event(damage: dict[str, Any]) -> None:
    """The twin: an independent reader that takes everything would prove nothing."""
    body = json.loads(SENT["nl.enrolments.session-full.v1"].body) | damage
    with pytest.raises((CloudEventValidationError, ValueError)):
        rabbitmq.from_structured_event(rabbitmq.RabbitMQMessage({}, STRUCTURED, json.dumps(body).encode()))


def by_sdk(type: str) -> SdkEvent:
    """Build the sample of a type with the SDK."""
    body = json.loads(sample(type))
    data = body.pop("data")
    return SdkEvent({**body, "time": event_of(type).time}, data)


@pytest.mark.parametrize("type", TYPES)
def test_we_read_what_the_sdk_writes_in_structured_mode(type: str) -> None:
    """An integrator who builds on the SDK is understood."""
    message = rabbitmq.to_structured_event(by_sdk(type))
    event = decode(message.body, model=TYPES[type].model, content_type=message.content_type, headers=message.headers)
    assert event == event_of(type)


@pytest.mark.parametrize("type", TYPES)
def test_we_read_what_the_sdk_writes_in_binary_mode(type: str) -> None:
    """RabbitMQ's binding: attributes in `ce-` headers, as strings."""
    message = rabbitmq.to_binary_event(by_sdk(type))
    event = decode(message.body, model=TYPES[type].model, content_type=message.content_type, headers=message.headers)
    assert event == event_of(type)


@pytest.mark.parametrize("type", TYPES)
def test_we_read_what_the_sdk_writes_in_binary_mode_for_amqp_1_0(type: str) -> None:
    """The AMQP binding: `cloudEvents_` properties in native types, with a timestamp in milliseconds."""
    message = amqp.to_binary_event(by_sdk(type))
    event = decode(
        message.application_data,
        model=TYPES[type].model,
        content_type=message.properties["content-type"],
        headers=message.application_properties,
    )
    assert event == event_of(type)
