"""Frames and messages to try the check on, without a broker."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from pamqp import frame as framing
from pamqp.body import ContentBody
from pamqp.commands import Basic, Confirm
from pamqp.header import ContentHeader

from instroom_checking.link import Link
from instroom_checking.names import Names
from instroom_checking.traffic import Sent, Tactics, Traffic
from instroom_contracts import topology
from instroom_contracts.amqp import Properties

TYPE = "nl.enrolments.enrolment-cancellation-requested.v1"
SOURCE = "urn:nld:oin:00000001823288444000:systeem:website"
NAMES = Names("website", "t0ken")


def event(**attributes: Any) -> dict[str, Any]:
    """Build a request to cancel an enrolment."""
    plain = {"specversion": "1.0", "id": "one", "source": SOURCE, "type": TYPE, "time": "2021-05-20T09:30:00Z"}
    return {**plain, "data": {"enrolmentId": "an-enrolment"}, **attributes}


def sent(of: dict[str, Any] | None = None, **changes: Any) -> Sent:
    """Build a message as a good publisher sends it, but for the changes: of its properties, or of the rest."""
    whole = of or event()
    properties: dict[str, Any] = {
        "content_type": "application/cloudevents+json",
        "delivery_mode": 2,
        "message_id": whole["id"],
        "message_type": whole["type"],
        "timestamp": datetime(2021, 5, 20, tzinfo=UTC),
    }
    rest: dict[str, Any] = {"exchange": topology.INTAKE, "routing_key": TYPE, "mandatory": True, "confirms": True}
    rest |= {"body": json.dumps(whole).encode(), "connection": 1, "is_confirmed": True}
    properties |= {name: value for name, value in changes.items() if name not in rest}
    rest |= {name: value for name, value in changes.items() if name in rest}
    return Sent(properties=Properties(properties), **rest)


class Conversation:
    """A client and a broker that talk over one link, frame by frame."""

    def __init__(self, tactics: Tactics | None = None) -> None:
        self.traffic = Traffic()
        self.tactics = tactics or Tactics()
        self.link = Link(NAMES, self.traffic, self.tactics)

    def client(self, method: Any, *, body: bytes | None = None, message_id: str = "", channel: int = 1) -> Any:
        """Have the client say something; return the method that the broker gets."""
        return _said(self.link.from_client, method, body, message_id, channel)

    def broker(self, method: Any, *, body: bytes | None = None, message_id: str = "", channel: int = 1) -> Any:
        """Have the broker say something; return the method that the client gets."""
        return _said(self.link.from_broker, method, body, message_id, channel)

    def publish(self, *, confirms: bool = True) -> None:
        """Have the client publish a message on the intake."""
        if confirms:
            self.client(Confirm.Select())
        self.client(Basic.Publish(exchange=topology.INTAKE, routing_key=TYPE, mandatory=True), body=b"{}")

    def deliver(self, tag: int, message_id: str) -> None:
        """Have the broker hand the client a message of its queue."""
        method = Basic.Deliver(consumer_tag="c", delivery_tag=tag, exchange=NAMES.events, routing_key="x")
        self.broker(method, body=b"{}", message_id=message_id)

    def read(self, *, no_ack: bool = False) -> None:
        """Have the client read its queue."""
        self.client(Basic.Consume(queue="int.website.seats", no_ack=no_ack))
        self.broker(Basic.ConsumeOk(consumer_tag="c"))


def _said(way: Any, method: Any, body: bytes | None, message_id: str, channel: int) -> Any:
    passed = way(framing.marshal(method, channel))
    if body is not None:
        properties = Basic.Properties(message_id=message_id or None)
        for part in (ContentHeader(0, len(body), properties), ContentBody(body)):
            raw = framing.marshal(part, channel)
            assert way(raw) == raw
    return framing.unmarshal(passed)[2]
