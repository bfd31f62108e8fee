"""What is left to chance, in one place: ids that nobody else makes, and pauses that keep two processes apart."""

from __future__ import annotations

import random
import uuid


def new_id() -> str:
    """Return an id that nobody made before; what is decided gets ids that follow from what it is of instead."""
    return str(uuid.uuid4())


def up_to(seconds: float) -> float:
    """Return a pause of at most so many seconds, so that two that met do not meet again."""
    return random.uniform(0, seconds)  # noqa: S311  no secret
