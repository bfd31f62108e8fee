"""One connection of a system under test, frame by frame: what passes is noted, names are changed on the way.

AMQP 0-9-1: a frame has a type, a channel and a size, then its payload and an end octet (section 2.3.5); a message is a
method, a content header and body frames on one channel (section 2.3.5.2).
"""

from __future__ import annotations

import struct
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Any

from pamqp import frame as framing
from pamqp.commands import Basic, Channel, Confirm, Connection, Exchange, Queue
from pamqp.exceptions import PAMQPException

from instroom_checking.names import LEASE_MS, PART, Names
from instroom_checking.traffic import DeclaredQueue, Handed, Outcome, Reading, Sent, Tactics, Traffic
from instroom_contracts import topology
from instroom_contracts.amqp import Properties, read, with_text

HEADER_BYTES = 7
METHOD, HEADER, BODY = 1, 2, 3
SIZE_AT, PROPERTIES_AT = 11, 19
"""Where the frame of a content header says how long the body is, and what its properties are (section 4.2.6.1)."""
UNREAD = Properties({})


class Cut(Exception):
    """The check breaks this connection off, on purpose."""


@dataclass
class Content:
    """A message that is on its way: its method, and what has come of it."""

    method: Any
    properties: Properties = UNREAD
    missing: int = 0
    body: bytes = b""


@dataclass
class Side:
    """What one channel of the client is about."""

    confirms: bool = False
    published: int = 0
    prefetch: int = 0
    unconfirmed: dict[int, Sent] = field(default_factory=dict)
    asked: deque[Basic.Consume] = field(default_factory=deque)
    asked_once: str = ""
    consumers: dict[str, Reading] = field(default_factory=dict)
    unsettled: dict[int, Handed] = field(default_factory=dict)


class Link:
    """Notes what passes on one connection, and says what is to be passed on."""

    def __init__(self, names: Names, traffic: Traffic, tactics: Tactics) -> None:
        self._names, self._traffic, self._tactics = names, traffic, tactics
        traffic.connections += 1
        self._number = traffic.connections
        traffic.open_connections.add(self._number)
        self._sides: dict[int, Side] = defaultdict(Side)
        self._from_client: dict[int, Content] = {}
        self._from_broker: dict[int, Content] = {}

    def close(self) -> None:
        """Note that the connection has ended."""
        self._traffic.open_connections.discard(self._number)
        self._traffic.note()

    def from_client(self, raw: bytes) -> bytes:
        """Note a frame of the client's; return what the broker is to get. Raises `Cut`."""
        return self._pass(raw, self._from_client, self._client_said, self._sent)

    def from_broker(self, raw: bytes) -> bytes:
        """Note a frame of the broker's; return what the client is to get. Raises `Cut`."""
        return self._pass(raw, self._from_broker, self._broker_said, self._delivered)

    def _pass(self, raw: bytes, under_way: dict[int, Content], said: Any, whole: Any) -> bytes:
        kind, channel, _ = struct.unpack(">BHI", raw[:HEADER_BYTES])
        if kind == METHOD:
            return self._method(raw, channel, under_way, said)
        content = under_way.get(channel)
        if kind in {HEADER, BODY} and content is not None and _adds(content, kind, raw):
            del under_way[channel]
            whole(channel, content)
            self._traffic.note()
        return raw

    def _method(self, raw: bytes, channel: int, under_way: dict[int, Content], said: Any) -> bytes:
        raw = with_text(raw)
        try:
            method: Any = framing.unmarshal(raw)[2]
        except (PAMQPException, ValueError, struct.error):
            return raw  # a method that this library does not know is none that the check is about
        if isinstance(method, Basic.Publish | Basic.Deliver | Basic.GetOk | Basic.Return):
            under_way[channel] = Content(method)
        is_changed = said(channel, method)
        self._traffic.note()
        return framing.marshal(method, channel) if is_changed else raw

    def _client_said(self, channel: int, method: Any) -> bool:
        side = self._sides[channel]
        match method:
            case Confirm.Select():
                side.confirms = True
            case Basic.Qos():
                side.prefetch = method.prefetch_count
            case Basic.Consume():
                self._consume(side, method)
            case Basic.Get():
                side.asked_once = method.queue
            case Basic.Ack() | Basic.Nack() | Basic.Reject():
                self._settle(side, method)
            case Queue.Bind() | Queue.Declare() | Exchange.Declare():
                self._declared(method)
            case Channel.Close() | Connection.Close():
                self._left(None if isinstance(method, Connection.Close) else channel)
            case Basic.Publish() if method.exchange == topology.INTAKE:
                self._from_client[channel] = Content(Basic.Publish(**_fields(method)))
        is_tempered = _tempered(method)
        return self._names.to_broker(method) or is_tempered

    def _consume(self, side: Side, method: Basic.Consume) -> None:
        asked = Basic.Consume(queue=method.queue, no_ack=method.no_ack)
        if method.nowait:
            self._reads(side, method.consumer_tag, asked)
        else:
            side.asked.append(asked)

    def _reads(self, side: Side, tag: str, asked: Basic.Consume) -> None:
        reading = Reading(asked.queue, side.prefetch, not asked.no_ack, self._number)
        side.consumers[tag] = reading
        self._traffic.reading.append(reading)

    def _declared(self, method: Any) -> None:
        match method:
            case Queue.Bind():
                self._bound(method)
            case Queue.Declare():
                arguments = dict(method.arguments or {})
                declared = DeclaredQueue(method.queue, method.passive, method.durable, method.exclusive, arguments)
                self._traffic.queues.append(declared)
            case Exchange.Declare() if not method.passive:
                self._traffic.declared_exchanges.append(method.exchange)

    def _bound(self, method: Queue.Bind) -> None:
        """Note what facts a queue is to get: by type, or by their attributes (`ce-*` headers)."""
        if method.exchange == topology.EVENTS or method.exchange.startswith(PART):
            self._traffic.bindings.append((method.queue, method.routing_key))
        elif method.exchange == topology.BY_ATTRIBUTE:
            wanted = {name.removeprefix("ce-"): str(value) for name, value in (method.arguments or {}).items()}
            self._traffic.bindings.append((method.queue, wanted.pop("type", "#")))
            self._traffic.attributes |= {name: value for name, value in wanted.items() if not name.startswith("x-")}

    def _settle(self, side: Side, method: Basic.Ack | Basic.Nack | Basic.Reject) -> None:
        """Note what became of deliveries; tag 0 with `multiple` means all (Basic.Ack, delivery-tag)."""
        upto, outcome = method.delivery_tag or 0, _outcome(method)
        multiple = not isinstance(method, Basic.Reject) and method.multiple
        tags = [tag for tag in side.unsettled if tag == upto or (multiple and (upto == 0 or tag <= upto))]
        handed = [side.unsettled.pop(tag) for tag in tags]
        if outcome == "acknowledged" and any(self._tactics.withholds_ack(one) for one in handed):
            self.close()
            raise Cut
        for one in handed:
            one.outcome = outcome
            if outcome == "acknowledged":
                self._tactics.on_ack(one)

    def _left(self, channel: int | None) -> None:
        """Note what was not confirmed yet when the client closed a channel or the whole connection."""
        for number, side in self._sides.items():
            if channel in {None, number}:
                self._traffic.left_unconfirmed.extend(side.unconfirmed.values())
                side.unconfirmed.clear()

    def _sent(self, channel: int, content: Content) -> None:
        side, method = self._sides[channel], content.method
        if isinstance(method, Basic.Publish):
            sent = Sent(
                method.exchange,
                method.routing_key,
                method.mandatory,
                content.properties,
                content.body,
                side.confirms,
                self._number,
            )
            side.published += 1
            if side.confirms:
                side.unconfirmed[side.published] = sent
            self._traffic.sent.append(sent)

    def _broker_said(self, channel: int, method: Any) -> bool:
        side = self._sides[channel]
        match method:
            case Basic.Ack() | Basic.Nack():
                self._confirmed(side, method)
            case Channel.CloseOk():
                self._sides.pop(channel, None)
            case Basic.ConsumeOk():
                self._reads(side, method.consumer_tag or "", side.asked.popleft())
            case Channel.Close() | Connection.Close():
                self._traffic.refusals.append(self._names.as_known(str(method.reply_text)))
                self._left(None if isinstance(method, Connection.Close) else channel)
                self._sides.pop(channel, None)
        return self._names.to_client(method)

    def _confirmed(self, side: Side, method: Any) -> None:
        upto = method.delivery_tag
        tags = [tag for tag in side.unconfirmed if tag == upto or (method.multiple and tag <= upto)]
        sent = [side.unconfirmed.pop(tag) for tag in tags]
        if any(self._tactics.withholds_confirm(one) for one in sent):
            self.close()
            raise Cut
        for one in sent:
            one.is_confirmed = isinstance(method, Basic.Ack)

    def _delivered(self, channel: int, content: Content) -> None:
        side, method = self._sides[channel], content.method
        message_id = content.properties.get("message_id") or ""
        if isinstance(method, Basic.Deliver):
            reading = side.consumers.get(method.consumer_tag or "")
            queue, acknowledges = (reading.queue, reading.acknowledges) if reading else ("", True)
        elif isinstance(method, Basic.GetOk):
            queue, acknowledges = side.asked_once, True
        else:
            return
        handed = Handed(queue, message_id, self._number, "" if acknowledges else "automatic")
        self._traffic.handed.append(handed)
        if acknowledges and method.delivery_tag is not None:
            side.unsettled[method.delivery_tag] = handed


def _adds(content: Content, kind: int, raw: bytes) -> bool:
    """Add a frame to a message that is on its way; tell whether it is whole."""
    if kind == HEADER:
        content.properties = read(raw[PROPERTIES_AT:-1])
        (content.missing,) = struct.unpack_from(">Q", raw, SIZE_AT)
    else:
        content.body += raw[HEADER_BYTES:-1]
        content.missing -= len(raw) - HEADER_BYTES - 1
    return content.missing <= 0


def _outcome(method: Basic.Ack | Basic.Nack | Basic.Reject) -> Outcome:
    if isinstance(method, Basic.Ack):
        return "acknowledged"
    return "returned to the queue" if method.requeue else "refused"


def _tempered(method: Any) -> bool:
    """Make a declaration harmless; tell whether that changed it.

    The broker removes a queue of the check in time, whatever happens to the check. One of the exchanges of life is only
    looked up, since an integrator may not declare it: that is told, and the check goes on.
    """
    match method:
        case Queue.Declare(passive=False):
            method.arguments = {**(method.arguments or {}), "x-expires": LEASE_MS}
        case Exchange.Declare(passive=False) if method.exchange.startswith("instroom."):
            method.passive = True
        case _:
            return False
    return True


def _fields(method: Any) -> dict[str, Any]:
    return {name: getattr(method, name) for name in method.__slots__}
