"""Settings of the enrolment service, from the environment."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from chassis.settings import ServiceSettings
from instroom_contracts.fields import Source
from services.enrolment.domain.policy import Policy


class Settings(ServiceSettings):
    """What an operator decides about enrolling, besides what every service needs."""

    parking_s: float = Field(10.0, ge=0, le=20, description="how long a request waits for an edition not known yet")
    course_desks: Annotated[tuple[Source, ...], NoDecode] = Field(
        (), description="sources that may change any enrolment, with commas between"
    )

    @field_validator("course_desks", mode="before")
    @classmethod
    def _split(cls, text: object) -> object:
        return tuple(filter(None, map(str.strip, text.split(",")))) if isinstance(text, str) else text

    def policy(self) -> Policy:
        """Return what the rules need of these settings."""
        return Policy(timedelta(seconds=self.parking_s), frozenset(self.course_desks))
