"""Messages with properties that AMQP clients stumble over, put on the broker byte by byte."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiormq
from aiormq.abc import ChannelFrame
from pamqp import frame
from pamqp.body import ContentBody
from pamqp.commands import Basic

from instroom_contracts.cloudevent import STRUCTURED

CONTENT_TYPE, HEADERS, DELIVERY_MODE, TIMESTAMP, TYPE, APP_ID = 15, 13, 12, 6, 5, 3
BIT = {"content_encoding": 14, "correlation_id": 10, "reply_to": 9, "message_id": 7}


def short(text: bytes) -> bytes:
    """Return a short string."""
    return bytes((len(text),)) + text


def table(*fields: tuple[bytes, bytes]) -> bytes:
    """Return a table of fields: names, and values with their types."""
    data = b"".join(short(name) + value for name, value in fields)
    return struct.pack(">L", len(data)) + data


def moment(count: int) -> bytes:
    """Return a timestamp, of whatever units since whenever."""
    return struct.pack(">Q", count)


def text(value: bytes) -> bytes:
    """Return a header's value that is a text."""
    return b"S" + struct.pack(">L", len(value)) + value


def nested_tables(depth: int) -> bytes:
    """Return a header's value: a table in a table, so many times."""
    value = b"V"
    for _ in range(depth):
        value = b"F" + table((b"x", value))
    return value


def nested_lists(depth: int) -> bytes:
    """Return a header's value: a list in a list, so many times."""
    value = b"V"
    for _ in range(depth):
        value = b"A" + struct.pack(">L", len(value)) + value
    return value


def properties(fields: Mapping[int, bytes]) -> bytes:
    """Return flags and properties, by the numbers of their flags, of a message in structured mode."""
    whole = {CONTENT_TYPE: short(STRUCTURED.encode()), DELIVERY_MODE: b"\x02", **fields}
    flags = sum(1 << number for number in whole)
    return struct.pack(">H", flags) + b"".join(whole[number] for number in sorted(whole, reverse=True))


def headers(*fields: tuple[bytes, bytes]) -> bytes:
    """Return the properties of a message with these headers."""
    return properties({HEADERS: table(*fields)})


MICROSECONDS, NANOSECONDS, TICKS = 1_700_000_000_000_000, 1_700_000_000_000_000_000, 638_000_000_000_000_000

UNREADABLE: Mapping[str, bytes] = {
    "a timestamp in microseconds": properties({TIMESTAMP: moment(MICROSECONDS)}),
    "a timestamp in nanoseconds": properties({TIMESTAMP: moment(NANOSECONDS)}),
    "a timestamp in ticks of .NET": properties({TIMESTAMP: moment(TICKS)}),
    "the last timestamp": properties({TIMESTAMP: moment(2**64 - 1)}),
    "a header in microseconds": headers((b"sent", b"T" + moment(MICROSECONDS))),
    "a moment in a list": headers((b"sent", b"A" + struct.pack(">L", 9) + b"T" + moment(TICKS))),
    "a header's name that is no text": headers((b"na\xefve", text(b"yes"))),
    "a name within a table that is no text": headers((b"x", b"F" + table((b"\xff", b"V")))),
    "tables 300 deep": headers((b"deep", nested_tables(300))),
    "tables 3000 deep": headers((b"deep", nested_tables(3000))),
    "lists 3000 deep": headers((b"deep", nested_lists(3000))),
    "a type that is no text": properties({TYPE: short(b"\xc3\x28")}),
    "an application that is no text": properties({APP_ID: short("café".encode("latin-1"))}),
    **{f"a {name} that is no text": properties({flag: short(b"\xff\xfe")}) for name, flag in BIT.items()},
}
"""Properties that pamqp raises on, each with content type and delivery mode as they should be."""
SILLY: Mapping[str, bytes] = {
    "delivery mode 3": properties({DELIVERY_MODE: b"\x03"}),
    "delivery mode 255": properties({DELIVERY_MODE: b"\xff"}),
}
"""Properties that aio-pika raises on; RabbitMQ before 4 refuses them."""
READABLE: Mapping[str, bytes] = {
    "a decimal of the smallest": headers((b"cost", b"D\xff" + struct.pack(">i", 1))),
    "a header said twice": headers((b"twice", text(b"one")), (b"twice", text(b"two"))),
    "a text that is none": headers((b"bytes", text(b"\xff\xfe"))),
    "names of operators": headers((b"$set", text(b"1")), (b"a.b", text(b"2")), (b"", text(b"3"))),
    "milliseconds": properties({TIMESTAMP: moment(1_700_000_000_000)}),
}
"""Properties that are unusual and can be read."""


STRANGE_KEY = b"nl.enrolments.caf\xe9.v1"
"""A routing key that is no text."""


@asynccontextmanager
async def raw_channel(url: str) -> AsyncIterator[aiormq.abc.AbstractChannel]:
    """Open a channel whose publishes are confirmed."""
    async with aiormq.connect(url) as connection:
        yield await connection.channel()


async def publish_raw(
    channel: aiormq.abc.AbstractChannel, exchange: str, routing_key: bytes, properties: bytes, body: bytes
) -> None:
    """Publish a message whose routing key and properties are these bytes; returns when the broker has confirmed it."""
    method = b"\0\x3c\0\x28\0\0" + short(exchange.encode()) + short(routing_key) + b"\x01"
    header = struct.pack(">HHQ", Basic.frame_id, 0, len(body)) + properties
    frames = [_frame(1, channel.number, method), _frame(2, channel.number, header)]
    await _confirmed(channel, b"".join((*frames, frame.marshal(ContentBody(body), channel.number))))


def _frame(kind: int, channel: int, payload: bytes) -> bytes:
    return struct.pack(">BHL", kind, channel, len(payload)) + payload + b"\xce"


async def _confirmed(channel: aiormq.abc.AbstractChannel, frames: bytes) -> None:
    assert isinstance(channel, aiormq.Channel)
    confirm: asyncio.Future[object] = channel.create_future()
    channel.delivery_tag += 1
    channel.confirmations[channel.delivery_tag] = confirm
    await channel.write_queue.put(ChannelFrame(frames, should_close=False))
    async with asyncio.timeout(10):
        await confirm
