"""The two modes in which an event travels over AMQP: structured, or binary with its attributes in headers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

STRUCTURED = "application/cloudevents+json"

_BINARY_PREFIXES = ("ce-", "cloudEvents_", "cloudEvents:")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def is_structured(content_type: str | None) -> bool:
    """Tell the mode; only the content type decides, whatever headers exist."""
    return content_type == STRUCTURED or (content_type or "").partition(";")[0].strip().lower() == STRUCTURED


def attributes_in(headers: Mapping[str, object], content_type: str | None) -> dict[str, Any]:
    """Read the attributes of a message in binary mode; its content type is that of the data."""
    attributes = {
        name.removeprefix(prefix): _plain(value)
        for prefix in _BINARY_PREFIXES
        for name, value in headers.items()
        if name.startswith(prefix)
    }
    if type(attributes.get("time")) is int:  # true and false are none
        attributes["time"] = _since_1970(attributes["time"])
    return attributes | {"datacontenttype": content_type} if content_type else attributes


def _since_1970(milliseconds: int) -> str | None:
    """Read a timestamp of AMQP 1.0, which clients of AMQP 0-9-1 see as a number."""
    try:
        return (_EPOCH + timedelta(milliseconds=milliseconds)).isoformat()
    except OverflowError:
        return None


def _plain(value: object) -> Any:
    """Turn what AMQP clients make of a header into JSON; what CloudEvents has no type for counts as not set."""
    if isinstance(value, bytes | bytearray):
        return _text(value)
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
    return value if isinstance(value, str | int) else None


def _text(value: bytes | bytearray) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None
