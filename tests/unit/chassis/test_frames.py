"""Frames made by hand are those that pamqp would make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from aiormq import spec
from hypothesis import given
from hypothesis import strategies as st
from pamqp import body, frame, header

from chassis.frames import CONTENT_TYPE, FRAME_BYTES, Outgoing, publishing, table

short = st.text(max_size=60).filter(lambda text: len(text.encode()) <= 255)
names = st.from_regex(r"ce-[a-z]{1,20}", fullmatch=True)
tables = st.dictionaries(names, st.text(), min_size=1).map(lambda table: dict(sorted(table.items())))  # as pamqp does
outgoing = st.builds(
    Outgoing,
    id=short.filter(bool),
    exchange=st.from_regex(r"[a-z.]{1,30}", fullmatch=True),
    type=short.filter(bool),
    correlation_id=st.none() | short.filter(bool),
    app_id=short.filter(bool),
    at=st.datetimes(min_value=datetime(2000, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  the strategy adds it
    headers=st.none(),
    body=st.binary(min_size=1),
)


def by_pamqp(message: Outgoing, channel: int, headers: Mapping[str, str] | None = None) -> bytes:
    """Return the frames that the library makes."""
    properties = spec.Basic.Properties(
        content_type=CONTENT_TYPE,
        delivery_mode=2,
        message_id=message.id,
        message_type=message.type,
        correlation_id=message.correlation_id,
        app_id=message.app_id,
        timestamp=message.at,
        headers=dict(headers) if headers else None,
    )
    parts = [message.body[at : at + FRAME_BYTES] for at in range(0, len(message.body), FRAME_BYTES)]
    frames: list[Any] = [
        spec.Basic.Publish(exchange=message.exchange, routing_key=message.type, mandatory=True),
        header.ContentHeader(properties=properties, body_size=len(message.body)),
        *map(body.ContentBody, parts),
    ]
    return b"".join(frame.marshal(one, channel) for one in frames)


@given(outgoing, st.integers(min_value=1, max_value=2047), st.none() | tables)
def test_the_bytes_are_those_of_the_library(message: Outgoing, channel: int, headers: dict[str, str] | None) -> None:
    """What the broker reads must not depend on who wrote it."""
    with_headers = replace(message, headers=table(headers) if headers else None)
    assert publishing(with_headers, channel) == by_pamqp(message, channel, headers)


EXAMPLE = Outgoing("1", "instroom.events", "a", "c", "instroom-test", datetime(2021, 5, 20, tzinfo=UTC), None, b"{}")


def test_a_body_that_one_frame_cannot_hold_is_split() -> None:
    """No event is that large, and still nothing may be cut off."""
    message = replace(EXAMPLE, body=b"x" * (2 * FRAME_BYTES + 1))
    assert publishing(message, 1) == by_pamqp(message, 1)


def test_an_id_too_long_for_a_property_is_left_out_of_it() -> None:
    """64 characters may be 256 bytes, one more than AMQP takes; such an answer must not stop those behind it."""
    without = publishing(replace(EXAMPLE, correlation_id=None), 1)
    assert publishing(replace(EXAMPLE, correlation_id="\N{GRINNING FACE}" * 64), 1) == without
