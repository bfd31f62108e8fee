"""The names on the broker, and which event travels on which exchange."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from instroom_contracts import catalog, enrolment, intake, notification
from instroom_contracts.cloudevent import EventData, type_of

INTAKE = "instroom.intake"
"""Where other systems publish."""
EVENTS = "instroom.events"
"""Where the services tell facts, without personal data."""
PRIVATE = "instroom.private"
"""Between the services only; may hold contact data."""
DEAD = "instroom.dead"
"""Where dead letters go, under the name of the queue that they lay in."""
STREAM = "instroom.events.stream"
"""Keeps every fact for replay."""
BY_ATTRIBUTE = "instroom.events.by-attribute"
"""A headers exchange with every fact, to select them by their attributes (`ce-*`); whoever reads it may read all."""

_TYPE_PREFIX = "nl.enrolments."


class Listed(NamedTuple):
    """One event of the contract: its data model and the exchange that it travels on."""

    model: type[EventData]
    exchange: str


def queue_name(service: str, type: str) -> str:
    """Return the name of a service's queue for an event type, e.g. `enrolment.enrolment-requested.v1`."""
    return f"{service}.{type.removeprefix(_TYPE_PREFIX)}"


def exchange_for(integrator: str) -> str:
    """Return the name of the exchange of an integrator who may read a part of the facts only."""
    return f"instroom.for.{integrator}"


def dead_letter_queue(queue: str) -> str:
    """Return the name of the queue that keeps a queue's dead letters."""
    return f"{queue}.dead"


_MODELS: Mapping[str, tuple[type[EventData], ...]] = {
    INTAKE: (
        intake.EnrolmentRequested,
        intake.EnrolmentCancellationRequested,
        intake.SessionChoiceSubmitted,
        intake.CatchUpRequested,
        intake.AttendanceRecorded,
        intake.InCompanyRequested,
        intake.AnswerRequested,
        intake.ParticipantErasureRequested,
    ),
    EVENTS: (
        catalog.EditionPublished,
        catalog.SessionRescheduled,
        catalog.SessionCancelled,
        catalog.EditionCancelled,
        enrolment.EnrolmentConfirmed,
        enrolment.EnrolmentQueued,
        enrolment.EnrolmentRejected,
        enrolment.RequestRefused,
        enrolment.RequestAccepted,
        enrolment.EnrolmentCancelled,
        enrolment.PlaceConfirmed,
        enrolment.PlaceReleased,
        enrolment.SessionFull,
        enrolment.SessionReopened,
        enrolment.GroupsFormed,
        notification.InviteSent,
        notification.InviteFailed,
        notification.ReminderSent,
    ),
    PRIVATE: (
        catalog.EditionSubmitted,
        catalog.RepublishRequested,
        enrolment.SourcesClaimed,
        catalog.JoiningDetailsPublished,
        notification.InvitationRequested,
        notification.NoticeRequested,
    ),
}

TYPES: Mapping[str, Listed] = MappingProxyType(
    {type_of(model): Listed(model, exchange) for exchange, models in _MODELS.items() for model in models}
)
"""Every event of the contract by its type, which is also its routing key."""
