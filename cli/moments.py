"""Moments as a person types them."""

from __future__ import annotations

from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from cli.trouble import Trouble
from instroom_contracts.fields import Instant


def moment(what: str, typed: str) -> datetime:
    """Read a moment, with its offset. Raises `Trouble`."""
    try:
        return TypeAdapter[datetime](Instant).validate_python(typed)
    except ValidationError:
        raise Trouble(f"{what} a time such as 2026-01-31T00:00:00+01:00; not '{typed}'.") from None
