"""What no client can read is written anew as something that every client can."""

from __future__ import annotations

import struct

from aio_pika.message import IncomingMessage
from aiormq.abc import DeliveredMessage
from hypothesis import given
from hypothesis import strategies as st
from pamqp import header
from pamqp.commands import Basic

from chassis.properties import readable, written
from instroom_contracts.amqp import MARK, read
from tests.support.properties import damaged


@given(damaged() | st.binary(max_size=200))
def test_what_cannot_be_read_is_handed_on_as_something_that_can(data: bytes) -> None:
    """Whoever reads through the client gets the message, and is told what it lacks."""
    content = header.ContentHeader()
    content.unmarshal(clean := readable(b"\0\x3c\0\0" + struct.pack(">Q", 7) + data))
    assert content.body_size == 7
    unreadable = read(data).unreadable
    assert ((content.properties.headers or {}).get(MARK) == ",".join(unreadable)) == bool(unreadable)
    assert read(clean[12:]).unreadable == ()
    IncomingMessage(DeliveredMessage(Basic.Deliver("all", 1), content, b"", None))  # type: ignore[arg-type]


def test_a_delivery_mode_of_nought_is_handed_on_as_none() -> None:
    """The client reads it and does not write it, and here the rest of the properties is written anew."""
    assert read(readable(bytes(12) + b"\x10@\x00")[12:]).values.get("delivery_mode") is None


@given(st.binary(max_size=200) | damaged())
def test_what_was_read_can_be_written_and_read_again(data: bytes) -> None:
    """A backup keeps messages in this form, and must not end at one."""
    assert read(written(read(data).values)).unreadable == ()
