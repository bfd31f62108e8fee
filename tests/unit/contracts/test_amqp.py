"""Messages are read as pamqp reads them, and what pamqp cannot read raises nothing here."""

from __future__ import annotations

import math
import struct
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp import frame, header
from pamqp.commands import Basic

from instroom_contracts.amqp import MARK, MOST_NESTED, NAMES, Properties, read, unreadable, with_text
from instroom_contracts.cloudevent import InvalidEvent
from tests.support.properties import damaged, properties


def by_pamqp(data: bytes) -> dict[str, Any]:
    """Read as the client would, and return what is there."""
    content = header.ContentHeader()
    content.unmarshal(b"\0\x3c\0\0" + bytes(8) + data)
    return {name: value for name, value in content.properties if value not in (None, "")}


def present(values: Any) -> dict[str, Any]:
    """Leave out what pamqp tells apart from nothing no more than we need to."""
    return {name: value for name, value in values.items() if value not in (None, "")}


@given(properties)
def test_what_pamqp_writes_is_read_as_pamqp_reads_it(written: dict[str, Any]) -> None:
    """A sender whose messages were understood must go on being understood."""
    data = Basic.Properties(**written).marshal()
    found = read(data)
    assert found.unreadable == ()
    assert present(found.values) == by_pamqp(data)


@given(st.binary(max_size=400))
def test_whatever_the_bytes_are_nothing_raises(data: bytes) -> None:
    """One message must never end the connection that it came by."""
    assert set(read(data).unreadable) <= set(NAMES)


@given(damaged() | st.binary(min_size=2, max_size=200))
def test_what_is_called_readable_can_be_read_by_the_client(data: bytes) -> None:
    """Commands and relay read through the client itself: what is let through must not end their connections."""
    found = read(data)
    if not found.unreadable:
        assert repr(present(found.values)) == repr(
            by_pamqp(data)
        )  # as texts: no number is equal to itself if it is none


def short(text: bytes) -> bytes:
    """Return a short string."""
    return bytes((len(text),)) + text


def table(*fields: tuple[bytes, bytes]) -> bytes:
    """Return a table of fields: names, and values with their types."""
    data = b"".join(short(name) + value for name, value in fields)
    return struct.pack(">L", len(data)) + data


def nested(depth: int) -> bytes:
    """Return a value that is nested so deep."""
    value = b"V"
    for _ in range(depth):
        value = b"F" + table((b"x", value))
    return value


def headers(*fields: tuple[bytes, bytes]) -> bytes:
    """Return properties of these headers alone."""
    return struct.pack(">H", 1 << 13) + table(*fields)


GOOD = (b"ce-id", b"S" + struct.pack(">L", 1) + b"7")


@pytest.mark.parametrize(
    "value",
    [
        b"T" + struct.pack(">Q", 1_700_000_000_000_000),
        b"T" + struct.pack(">Q", 2**64 - 1),
        nested(MOST_NESTED + 1),
        nested(600),
        b"A" + struct.pack(">L", 5) + b"T" + struct.pack(">L", 1),
        b"F" + struct.pack(">L", 3) + short(b"\xff") + b"V",
        b"A" + struct.pack(">L", 1) + b"?",
    ],
    ids=["microseconds", "the last moment", "deep", "very deep", "cut off", "a name that is no text", "no known type"],
)
def test_a_header_that_cannot_be_read_leaves_the_others(value: bytes) -> None:
    """Id and source of a message in binary mode stand there: its sender can be answered."""
    found = read(headers((b"bad", value), GOOD))
    assert found.values == {"headers": {"ce-id": "7"}}
    assert found.unreadable == ("headers",)


@pytest.mark.parametrize(
    "bad", [(b"bad", b"?"), (b"bad", b"S" + struct.pack(">L", 2**32 - 1)), (b"bad", b"S\0"), (b"bad", b"")]
)
def test_nothing_is_read_behind_a_header_without_an_end(bad: tuple[bytes, bytes]) -> None:
    """A length that leads out of the message would read whatever comes next as a header."""
    found = read(headers(GOOD, bad))
    assert found.values == {"headers": {"ce-id": "7"}}
    assert found.unreadable == ("headers",)


@pytest.mark.parametrize(
    ("flag", "data", "name"),
    [
        (15, short(b"text/\xff"), "content_type"),
        (12, b"\x03", "delivery_mode"),
        (8, short(b"soon"), "expiration"),
        (6, struct.pack(">Q", 638_000_000_000_000_000), "timestamp"),
        (5, short(b"\xc3"), "type"),
        (4, short(b"\xff"), "user_id"),
        (3, b"\x09cut off", "app_id"),
        (13, struct.pack(">L", 9), "headers"),
    ],
)
def test_what_cannot_be_read_is_named(flag: int, data: bytes, name: str) -> None:
    """Its sender is told by these names."""
    assert read(struct.pack(">H", 1 << flag) + data).unreadable == (name,)


def test_what_comes_behind_a_property_that_cannot_be_read_is_kept() -> None:
    """The account that a message came from decides whose it is."""
    data = struct.pack(">H", 1 << 6 | 1 << 4) + struct.pack(">Q", 2**64 - 1) + short(b"website")
    assert read(data).values == {"user_id": "website"}


def test_the_deepest_nesting_is_readable() -> None:
    """What RabbitMQ adds itself (`x-death`) is far from it."""
    assert read(headers((b"deep", nested(MOST_NESTED - 1)))).unreadable == ()


def test_numbers_of_every_form_are_read() -> None:
    """Clients write them as their language has them."""
    fields = {
        b"t": (b"t\1", True),
        b"b": (b"b\xff", -1),
        b"B": (b"B\xff", 255),
        b"s": (b"s\xff\xfe", -2),
        b"u": (b"u\xff\xfe", 65534),
        b"I": (b"I" + b"\xff" * 4, -1),
        b"i": (b"i" + b"\xff" * 4, 2**32 - 1),
        b"l": (b"l" + b"\xff" * 8, -1),
        b"L": (b"L" + b"\xff" * 8, -1),
        b"d": (b"d" + struct.pack(">d", 0.5), 0.5),
        b"f": (b"f" + struct.pack(">f", math.inf), math.inf),
        b"D": (b"D\xff" + struct.pack(">i", 5), Decimal(5) * Decimal(10) ** -255),
        b"V": (b"V", None),
        b"0": (b"\0", None),
    }
    data = headers(*((name, value) for name, (value, _) in fields.items()))
    found = read(data)
    assert found.values["headers"] == {name.decode(): value for name, (_, value) in fields.items()}
    assert found.values["headers"] == by_pamqp(data)["headers"]


def test_what_is_missing_is_none() -> None:
    """Properties are all optional, headers as well."""
    found = read(b"\0\0")
    assert (found.get("message_id"), found.headers, found.lost) == (None, {}, ())


@pytest.mark.parametrize(
    ("mark", "also", "lost"),
    [
        ("timestamp,app_id", (), ("timestamp", "app_id")),
        ("timestamp", ("type",), ("timestamp", "type")),
        ("robin.jansen@example.org", (), ("headers",)),
        (7, (), ("headers",)),
    ],
)
def test_what_was_taken_out_of_a_message_is_lost_too(
    mark: object, also: tuple[str, ...], lost: tuple[str, ...]
) -> None:
    """A backup marks it; so may a sender, whose words are not repeated."""
    assert Properties({"headers": {MARK: mark}}, also).lost == lost


def test_a_sender_is_told_what_cannot_be_read() -> None:
    """Under the id that could be read: by that they find the message."""
    event = InvalidEvent("invalid-event", (), id="7", source="urn:nld:kvk:1", type="x")
    told = unreadable(event, ("timestamp", "headers"))
    assert (told.reason, told.id, told.source, told.type) == ("unreadable-properties", "7", "urn:nld:kvk:1", "x")
    assert "cannot be read: timestamp, headers." in told.problems[0].detail


@pytest.mark.parametrize(
    "method",
    [
        Basic.Publish(exchange="x", routing_key="café", mandatory=True),
        Basic.Deliver("consumer", 2**40, exchange="x", routing_key="café"),
        Basic.GetOk(2**40, exchange="x", routing_key="café", message_count=2),
        Basic.Return(312, "NO_ROUTE", "x", "café"),
    ],
    ids=lambda method: method.name,
)
def test_a_routing_key_that_is_no_text_is_made_one(method: Basic.Publish) -> None:
    """It is whatever its sender made it, and every client takes it for text."""
    raw = frame.marshal(method, 1)
    assert with_text(raw) == raw
    read = frame.unmarshal(with_text(raw.replace("café".encode(), b"caf\xe9\xff")))[2]
    assert isinstance(read, type(method))
    assert read.routing_key == "caf??"


def test_a_method_without_a_message_passes_as_it_is() -> None:
    """Its fields are not where a routing key would be."""
    raw = frame.marshal(Basic.Ack(0xFFFF), 1)
    assert with_text(raw) == raw


def test_a_long_string_that_is_no_text_stays_bytes() -> None:
    """AMQP does not ask it to be one, and it is nobody's mistake."""
    found = read(headers((b"raw", b"S" + struct.pack(">L", 2) + b"\xff\xfe"), GOOD))
    assert found.values == {"headers": {"raw": b"\xff\xfe", "ce-id": "7"}}
    assert found.unreadable == ()
