"""Who hears and tells what: the services' tables side by side, and what of the contract is in none of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from chassis import topology
from chassis.handling import Hears, Tells, UnknownType
from instroom_contracts.cloudevent import EventData
from instroom_contracts.enrolment import RequestRefused
from instroom_contracts.topology import INTAKE, TYPES, traits
from services.catalog import app as catalog_app
from services.enrolment import app as enrolment_app
from services.enrolment.domain.policy import Policy
from services.notification import app as notification_app

Models = tuple[type[EventData], ...]

_ANY_POLICY = Policy(timedelta(), frozenset())
"""What the enrolment service hears is the same under every policy."""


@dataclass(frozen=True)
class Service:
    """One service's tables."""

    name: str
    hears: tuple[Hears, ...]
    tells: tuple[Tells, ...]

    @property
    def queues(self) -> Mapping[str, Hears]:
        """Return its queues by name."""
        return topology.heard_queues(self.name, self.hears)


SERVICES = (
    Service("catalog", catalog_app.HEARS, catalog_app.TELLS),
    Service("enrolment", enrolment_app.hears(_ANY_POLICY), enrolment_app.TELLS),
    Service("notification", notification_app.HEARS, notification_app.TELLS),
)


def on(exchange: str) -> Models:
    """Return the events of the contract that travel on an exchange."""
    return tuple(listed.model for listed in TYPES.values() if listed.exchange == exchange)


def hearing(model: type[EventData]) -> list[str]:
    """Return the services that hear an event."""
    return [service.name for service in SERVICES if any(heard.model is model for heard in service.hears)]


def telling(model: type[EventData]) -> list[str]:
    """Return the services that tell an event."""
    return [service.name for service in SERVICES if any(told.model is model for told in service.tells)]


def answers_to(heard: type[EventData]) -> Models:
    """Return the facts with which a request is answered; what nobody hears is refused."""
    return traits(heard).answers if hearing(heard) else (RequestRefused,)


def messages_in(heard: Hears) -> Models:
    """Return the events of the contract that lie in a queue: one, or those on the intake that no queue is bound for."""
    if heard.model is not UnknownType:
        return (heard.model,)
    return tuple(model for model in on(INTAKE) if not hearing(model))
