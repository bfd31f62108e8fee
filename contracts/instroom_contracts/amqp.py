"""A message's frames, read so that nothing in them can raise (AMQP 0-9-1, 4.2.5 and 4.2.6; RabbitMQ's errata).

Senders get properties wrong easily: a timestamp in microseconds, a text that is not UTF-8. The broker passes them on,
and a client's own decoder may raise where the whole connection ends. What pamqp reads is read here to the same values;
what it does not is left out and named, and the rest of the message is kept.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal

from instroom_contracts.cloudevent import CloudEvent, InvalidEvent, Problem

UNREADABLE = "unreadable-properties"
MARK = "x-unreadable-properties"
"""A header that names what could not be read of a message, where one is handed on without that."""
MOST_NESTED = 16
"""So deep may tables and lists in headers be nested; RabbitMQ's own `x-death` is three deep."""

Kind = Literal["text", "table", "octet", "timestamp"]

_FIELDS: tuple[tuple[int, str, Kind], ...] = (
    (1 << 15, "content_type", "text"),
    (1 << 14, "content_encoding", "text"),
    (1 << 13, "headers", "table"),
    (1 << 12, "delivery_mode", "octet"),
    (1 << 11, "priority", "octet"),
    (1 << 10, "correlation_id", "text"),
    (1 << 9, "reply_to", "text"),
    (1 << 8, "expiration", "text"),
    (1 << 7, "message_id", "text"),
    (1 << 6, "timestamp", "timestamp"),
    (1 << 5, "message_type", "text"),
    (1 << 4, "user_id", "text"),
    (1 << 3, "app_id", "text"),
    (1 << 2, "cluster_id", "text"),
)
"""Every property: its flag, its name as pamqp has it, and its form, in the order in which they travel."""

NAMES = tuple("type" if name == "message_type" else name for _, name, _ in _FIELDS)
"""The properties' names as they are told to senders."""

_ushort = struct.Struct(">H").unpack_from
_ulong = struct.Struct(">L").unpack_from
_ulonglong = struct.Struct(">Q").unpack_from
_MILLISECONDS_FROM = 0xFFFFFFFF
"""Above this, a number of seconds would lie after 2106 and is taken as milliseconds, as pamqp takes it."""


class _Unreadable(ValueError):
    """Something that is not as AMQP has it, or that Python has no value for."""


@dataclass(frozen=True, slots=True)
class Properties:
    """What could be read of a message's properties, by name, and the names of those that hold what could not."""

    values: Mapping[str, Any]
    unreadable: tuple[str, ...] = ()

    def get(self, name: str) -> Any:
        """Return a property; None where it is missing or cannot be read."""
        return self.values.get(name)

    @property
    def headers(self) -> dict[str, Any]:
        """Return the message's headers, as far as they could be read."""
        headers: dict[str, Any] = self.values.get("headers", {})
        return headers

    @property
    def lost(self) -> tuple[str, ...]:
        """Name what could not be read, now or where it was taken out (`MARK`), as in a backup."""
        if MARK not in self.headers:
            return self.unreadable
        marked = str(self.headers[MARK]).split(",")  # its sender may have written it: nothing unknown is repeated
        return tuple(name for name in NAMES if name in marked or name in self.unreadable) or ("headers",)


def read(data: bytes) -> Properties:
    """Read the flags and properties of a content header, whatever these bytes are; raises nothing."""
    try:
        flags, at = _flags(data)
    except _Unreadable:
        return Properties({}, NAMES)
    values: dict[str, Any] = {}
    unreadable: list[str] = []
    for name, kind in _present(flags):
        try:
            end = _end_of(kind, data, at)
        except _Unreadable:
            unreadable.append(name)
            break  # where the next one begins is anybody's guess
        try:
            values[name] = _read(name, kind, data, at, end, unreadable)
        except _WRONG:
            unreadable.append(name)
        at = end
    return Properties(values, tuple("type" if name == "message_type" else name for name in unreadable))


def unreadable(event: CloudEvent[Any] | InvalidEvent, names: Iterable[str]) -> InvalidEvent:
    """Say that a message's properties cannot be read, whatever the rest of it says."""
    detail = (
        f"The message's AMQP properties cannot be read: {', '.join(names)}. A timestamp counts seconds since 1970"
        " (milliseconds are taken, too), texts and names of headers are UTF-8, delivery_mode is 1 or 2, and headers are"
        f" nested at most {MOST_NESTED} deep. Mend that and send the event under a new id."
    )
    return InvalidEvent(
        UNREADABLE,
        (Problem("", detail),),
        id=event.id,
        source=event.source,
        type=event.type,
        traceparent=event.traceparent,
    )


def _flags(data: bytes) -> tuple[int, int]:
    """Return the flags and where the properties begin; further words of flags have no meaning yet."""
    at, first = 0, 0
    while True:
        if at + 2 > len(data):
            raise _Unreadable
        (word,) = _ushort(data, at)
        first = first or (word if at == 0 else 0)
        at += 2
        if not word & 1:
            return first, at


@lru_cache(maxsize=200)
def _present(flags: int) -> tuple[tuple[str, Kind], ...]:
    return tuple((name, kind) for flag, name, kind in _FIELDS if flags & flag)


def _end_of(kind: Kind, data: bytes, at: int) -> int:
    """Return where a property ends; raises where it does not end within the data."""
    size = len(data)
    if at >= size:
        raise _Unreadable
    if kind == "text":
        end = at + 1 + data[at]
    elif kind == "octet":
        end = at + 1
    elif kind == "timestamp":
        end = at + 8
    else:
        end = at + 4 + _ulong(data, at)[0] if at + 4 <= size else size + 1
    if end > size:
        raise _Unreadable
    return end


def _read(name: str, kind: Kind, data: bytes, at: int, end: int, unreadable: list[str]) -> Any:
    if kind == "text":
        text = data[at + 1 : end].decode()
        if name == "expiration":
            float(text)
        return text
    if kind == "octet":
        if name == "delivery_mode" and data[at] > 2:  # noqa: PLR2004  1 transient, 2 persistent; 0 stands for neither
            raise _Unreadable
        return data[at]
    if kind == "timestamp":
        return _moment(data, at)
    headers, whole = _headers(data, at + 4, end)
    if not whole:
        unreadable.append(name)
    return headers


def _headers(data: bytes, at: int, end: int) -> tuple[dict[str, Any], bool]:
    """Return the headers that can be read, and whether those are all."""
    headers: dict[str, Any] = {}
    whole = True
    while at < end:
        try:
            name_end = _within(at + 1 + data[at], end)
            value_end = _value_end(data, name_end, end)
        except _Unreadable:
            return headers, False
        try:
            headers[data[at + 1 : name_end].decode()] = _value(data, name_end, value_end, 1)
        except _WRONG:
            whole = False
        at = value_end
    return headers, whole


def _within(at: int, end: int) -> int:
    if at > end:
        raise _Unreadable
    return at


def _value_end(data: bytes, at: int, end: int) -> int:
    """Return where the value of a field ends that begins with its type, at `at`."""
    if at >= end:
        raise _Unreadable
    kind = data[at]
    if kind in _SIZED:
        return _within(_within(at + 5, end) + _ulong(data, at + 1)[0], end)
    if kind not in _OF_ONE_SIZE:
        raise _Unreadable
    return _within(at + 1 + _OF_ONE_SIZE[kind][0], end)


def _value(data: bytes, at: int, end: int, depth: int) -> Any:
    """Read a value from its type on, which ends at `end`."""
    kind = data[at]
    if kind == _TEXT:
        return _text(data[at + 5 : end])
    if kind in _OF_ONE_SIZE:
        return _OF_ONE_SIZE[kind][1](data, at + 1)
    if kind == _BYTES:
        return bytearray(data[at + 5 : end])
    if depth == MOST_NESTED:
        raise _Unreadable
    return (_table if kind == _TABLE else _list)(data, at + 5, end, depth + 1)


def _table(data: bytes, at: int, end: int, depth: int) -> dict[str, Any]:
    table = {}
    while at < end:
        name_end = _within(at + 1 + data[at], end)
        value_end = _value_end(data, name_end, end)
        table[data[at + 1 : name_end].decode()] = _value(data, name_end, value_end, depth)
        at = value_end
    return table


def _list(data: bytes, at: int, end: int, depth: int) -> list[Any]:
    values = []
    while at < end:
        value_end = _value_end(data, at, end)
        values.append(_value(data, at, value_end, depth))
        at = value_end
    return values


def _text(data: bytes) -> str | bytes:
    """Return a long string as text where it is one; AMQP does not ask that of it."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _moment(data: bytes, at: int) -> datetime:
    (seconds,) = _ulonglong(data, at)
    return datetime.fromtimestamp(seconds if seconds <= _MILLISECONDS_FROM else seconds / 1000.0, tz=UTC)


def _decimal(data: bytes, at: int) -> Decimal:
    scale, digits = struct.unpack_from(">Bi", data, at)
    return Decimal(digits) * Decimal(10) ** Decimal(-scale)


def _number(form: str) -> Callable[[bytes, int], Any]:
    unpack = struct.Struct(form).unpack_from
    return lambda data, at: unpack(data, at)[0]


def _nothing(_: bytes, __: int) -> None:
    """Stand for no value."""


_WRONG = (ValueError, OverflowError, OSError, ArithmeticError)
_TEXT, _BYTES, _TABLE = b"SxF"
_SIZED = frozenset(b"SxAF")
_OF_ONE_SIZE: Mapping[int, tuple[int, Callable[[bytes, int], Any]]] = {
    ord("t"): (1, lambda data, at: bool(data[at])),
    ord("b"): (1, _number(">b")),
    ord("B"): (1, _number(">B")),
    ord("s"): (2, _number(">h")),
    ord("u"): (2, _number(">H")),
    ord("I"): (4, _number(">l")),
    ord("i"): (4, _number(">L")),
    ord("l"): (8, _number(">q")),
    ord("L"): (8, _number(">q")),
    ord("f"): (4, _number(">f")),
    ord("d"): (8, _number(">d")),
    ord("D"): (5, _decimal),
    ord("T"): (8, _moment),
    ord("V"): (0, _nothing),
    0: (0, _nothing),
}

DELIVER, GET_OK, RETURN, PUBLISH = b"\0\x3c\0\x3c", b"\0\x3c\0\x47", b"\0\x3c\0\x32", b"\0\x3c\0\x28"
_TEXTS: Mapping[bytes, tuple[int, ...]] = {DELIVER: (0, 9, 0), GET_OK: (9, 0), RETURN: (2, 0, 0), PUBLISH: (2, 0)}
"""Of the methods that a message comes with: the bytes before each of their short strings."""


def with_text(frame: bytes) -> bytes:
    """Return a method's frame as one whose short strings are text: a routing key is whatever its sender made it."""
    at = 11
    for gap in _TEXTS.get(frame[7:11], ()):
        begin = at + gap + 1
        at = begin + frame[begin - 1]
        try:
            frame[begin:at].decode()
        except UnicodeDecodeError:
            frame = frame[:begin] + frame[begin:at].translate(_QUESTION_MARKS) + frame[at:]
    return frame


_QUESTION_MARKS = bytes(byte if byte < 0x80 else ord("?") for byte in range(256))  # noqa: PLR2004  ASCII ends there
