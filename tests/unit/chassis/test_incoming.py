"""What a broker sends passes unchanged, but for what would end the connection, and for deliveries that are taken."""

from __future__ import annotations

import asyncio
import inspect
import struct

import aiormq.connection
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pamqp import frame, header
from pamqp.body import ContentBody
from pamqp.commands import Basic, Channel
from pamqp.header import ContentHeader

from chassis.incoming import HEARTBEAT, Arrived, Incoming
from instroom_contracts.amqp import MARK

DELIVER = Basic.Deliver(consumer_tag="taken", delivery_tag=7, exchange="x", routing_key="key")
TICKS = struct.pack(">HQ", 1 << 6, 638_000_000_000_000_000)


def content(properties: bytes, *parts: bytes, channel: int = 1) -> bytes:
    """Return the frames of a message's header and body."""
    payload = struct.pack(">HHQ", 60, 0, sum(map(len, parts))) + properties
    return framed(2, payload, channel) + b"".join(frame.marshal(ContentBody(part), channel) for part in parts)


def framed(kind: int, payload: bytes, channel: int = 1) -> bytes:
    """Return a frame."""
    return struct.pack(">BHL", kind, channel, len(payload)) + payload + b"\xce"


async def passed(*chunks: bytes) -> tuple[bytes, list[Arrived]]:
    """Return what aiormq would get of bytes that come in such pieces, and what was taken."""
    reader, taken = asyncio.StreamReader(), list[Arrived]()
    incoming = Incoming(reader, {b"taken": taken.append})
    got = bytearray()

    async def read_on() -> None:
        while True:
            got.extend(await incoming.readexactly(1))

    reading = asyncio.ensure_future(read_on())
    for chunk in chunks:
        reader.feed_data(chunk)
        for _ in range(3):
            await asyncio.sleep(0)
    reader.feed_eof()
    with pytest.raises(asyncio.IncompleteReadError):
        await reading
    assert incoming.at_eof()
    return bytes(got), taken


PLAIN = Basic.Properties(content_type="text/plain", headers={"a": "b"}).marshal()
OTHERS = frame.marshal(Channel.OpenOk(), 1) + frame.marshal(Basic.Deliver("other", 1, exchange="x", routing_key="k"), 1)


async def test_what_anybody_can_read_passes_as_it_came() -> None:
    """The client does all that is not about reading odd messages."""
    data = OTHERS + content(PLAIN, b"one", b"two") + HEARTBEAT
    assert await passed(data) == (data, [])


async def test_deliveries_to_our_consumers_are_taken() -> None:
    """They cost a third of what the client makes of them."""
    data = frame.marshal(DELIVER, 3) + content(PLAIN, b"one", b"two", channel=3)
    got, taken = await passed(data + OTHERS)
    assert (got, taken) == (OTHERS, [Arrived(3, 7, PLAIN, b"onetwo")])


async def test_a_message_without_a_body_is_whole_with_its_header() -> None:
    """No body frame follows."""
    _, taken = await passed(frame.marshal(DELIVER, 1) + content(PLAIN))
    assert taken == [Arrived(1, 7, PLAIN, b"")]


@settings(max_examples=50)
@given(st.lists(st.integers(1, 60)))
def test_it_makes_no_difference_in_what_pieces_it_comes(sizes: list[int]) -> None:
    """A network cuts where it likes."""
    taken = frame.marshal(DELIVER, 1) + content(PLAIN, b"one", b"two")
    rest, pieces = OTHERS + content(PLAIN, b"body") + taken + HEARTBEAT, list[bytes]()
    for size in sizes:
        pieces, rest = [*pieces, rest[:size]], rest[size:]
    got, arrived = asyncio.run(passed(*pieces, rest))
    assert got.replace(HEARTBEAT, b"") == (OTHERS + content(PLAIN, b"body"))
    assert arrived == [Arrived(1, 7, PLAIN, b"onetwo")]


async def test_messages_of_two_channels_may_come_by_turns() -> None:
    """The frames of one message are in order on their channel, and others may come between."""
    first, second = content(PLAIN, b"one", channel=1), content(PLAIN, b"two", channel=2)
    data = frame.marshal(DELIVER, 1) + frame.marshal(DELIVER, 2) + second + first
    assert [message.body for message in (await passed(data))[1]] == [b"two", b"one"]


async def test_a_header_that_cannot_be_read_is_replaced_by_one_that_can() -> None:
    """Commands and backups read through the client, whose connection it would end."""
    got, _ = await passed(
        frame.marshal(Basic.GetOk(1, exchange="x", routing_key="k", message_count=0), 1) + content(TICKS, b"body")
    )
    size, _, _ = frame.unmarshal(got)
    _, _, clean = frame.unmarshal(got[size:])
    assert isinstance(clean, ContentHeader)
    assert (clean.body_size, clean.properties.headers) == (4, {MARK: "timestamp"})


@pytest.mark.parametrize(
    "method",
    [
        Basic.Deliver("other", 1, exchange="x", routing_key="café"),
        Basic.GetOk(1, exchange="x", routing_key="café", message_count=2),
        Basic.Return(312, "NO_ROUTE", "x", "café"),
    ],
    ids=lambda method: method.name,
)
async def test_a_routing_key_that_is_no_text_is_made_one(method: Basic.Return) -> None:
    """It is whatever its sender made it, and every client takes it for text."""
    data = frame.marshal(method, 1)
    got, _ = await passed(data.replace("café".encode(), b"caf\xe9\xff"))
    read = frame.unmarshal(got)[2]
    assert isinstance(read, type(method))
    assert read.routing_key == "caf??"


async def test_a_broker_that_is_busy_with_deliveries_is_not_taken_for_a_silent_one() -> None:
    """It sends heartbeats only where it sends nothing else, and aiormq gives up whom it does not hear."""
    delivery = frame.marshal(DELIVER, 1) + content(PLAIN, b"body")
    got, taken = await passed(delivery, delivery)
    assert got == HEARTBEAT  # once a second
    assert len(taken) == 2


async def test_a_broker_that_speaks_another_version_is_heard() -> None:
    """It answers with its own version, which is no frame."""
    assert await passed(b"AMQP\0\0\x09\x01") == (b"AMQP\0\0\x09\x01", [])


async def test_what_is_left_of_a_message_when_its_channel_closes_is_forgotten() -> None:
    """The next message on a channel of that number must not be taken for its rest."""
    closed = frame.marshal(Channel.Close(406, "PRECONDITION_FAILED", 0, 0), 1)
    got, taken = await passed(frame.marshal(DELIVER, 1) + closed + OTHERS + content(PLAIN, b"body"))
    assert (got, taken) == (closed + OTHERS + content(PLAIN, b"body"), [])


def test_the_client_reads_a_connection_as_is_counted_on() -> None:
    """Another version of aiormq may read otherwise: then look at `Incoming` again, and raise the bound."""
    receiver = inspect.getsource(aiormq.connection.FrameReceiver)
    assert {line.partition("self.reader.")[2].partition("(")[0] for line in receiver.splitlines()} - {""} == {
        *("at_eof", "read", "readexactly"),
    }
    connect = inspect.getsource(aiormq.connection.Connection.connect)
    assert "self._transport_factory.create(" in connect
    assert "FrameReceiver(reader)" in connect


def test_the_client_still_raises_on_what_is_kept_from_it() -> None:
    """Where it no longer does, all this can go."""
    with pytest.raises(ValueError, match="year"):
        header.ContentHeader().unmarshal(struct.pack(">HHQ", 60, 0, 0) + TICKS)
