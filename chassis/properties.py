"""The properties of a message, written anew so that any client can read them.

What they are read by stands in the contract (`instroom_contracts.amqp`); aiormq reads by decoders of its own.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from typing import Any

from pamqp.commands import Basic

from instroom_contracts.amqp import MARK, read

_LARGEST_FLOAT = struct.unpack(">f", b"\x7f\x7f\xff\xff")[0]
_FIXED = 12
"""The bytes of class, weight and body size, which the flags come after."""


def readable(header: bytes) -> bytes:
    """Return the payload of a content header as one that any client can read.

    What cannot be read is taken out of it, and a header of the message (`MARK`) says of what.
    """
    properties = read(header[_FIXED:])
    if not properties.unreadable:
        return header
    mark = {MARK: ",".join(properties.unreadable)}
    return header[:_FIXED] + written({**properties.values, "headers": {**properties.headers, **mark}})


def written(values: Mapping[str, Any]) -> bytes:
    """Return flags and properties of these values, which were read before; `readable` by any client."""
    kept = {name: value for name, value in values.items() if name not in {"headers", "cluster_id"}}
    kept["delivery_mode"] = kept.get("delivery_mode") or None  # pamqp reads 0, and does not write it
    return Basic.Properties(**kept, headers=_writable(values.get("headers", {}))).marshal()


def _writable(value: Any) -> Any:
    """Return a header's value as one that pamqp writes: it reads some that it does not write."""
    if isinstance(value, dict):
        return {name: _writable(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_writable(inner) for inner in value]
    if isinstance(value, float) and math.isfinite(value) and abs(value) > _LARGEST_FLOAT:
        return str(value)
    return bytearray(value) if isinstance(value, bytes) else value
