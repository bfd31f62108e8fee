"""What an operator decides about enrolling."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Policy:
    """What an operator decides: how long a request waits for an unknown edition, and who are course desks (sources)."""

    parking: timedelta
    course_desks: frozenset[str]
