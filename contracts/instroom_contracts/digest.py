"""A digest of an event's data as a JSON value, to tell a repeated message from an id that was used twice."""

from __future__ import annotations

import json
from hashlib import sha256

from instroom_contracts.modes import is_structured

MOST_BYTES = 64 * 1024
"""The most that one message may hold; what is longer is never parsed."""


def data_digest(body: bytes, *, content_type: str | None) -> str:
    """Return the SHA-256 of a message's `data` as a JSON value, in hexadecimal; works for any bytes.

    Key order, white space, escapes and `1` against `1.0` make no difference, nor does the mode. What is no JSON or too
    large is digested as it is.
    """
    if len(body) > MOST_BYTES:
        return sha256(body).hexdigest()
    try:
        value = _DECODER.decode(body.decode())
        if isinstance(value, dict) and is_structured(content_type):
            value = value.get("data")
        return sha256(_CANONICAL.encode(value).encode()).hexdigest()
    except (ValueError, RecursionError):
        return sha256(body).hexdigest()


def _number(text: str) -> float:
    number = float(text)
    return int(number) if number.is_integer() else number


_DECODER = json.JSONDecoder(parse_float=_number)
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
