"""What the enrolment service tells itself; never on the broker."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from instroom_contracts.cloudevent import EventData
from instroom_contracts.fields import Many


class ParkingExpired(EventData):
    """Say that requests have waited long enough for their edition: ids of `parked` documents, "source id"."""

    requests: Annotated[Many[str], Field(min_length=1)]
