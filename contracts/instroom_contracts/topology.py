"""The names on the broker, and which event travels on which exchange."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

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


About = Literal["edition", "session", "enrolment", "request"]


class Listed(NamedTuple):
    """One event of the contract, and what everybody has to know of it.

    `told_by` are the services that may tell it; none: it is asked from outside. `about` says what its subject names
    and whose it is: an enrolment is its asker's, a request as well, whatever came of it; an edition or a session is
    nobody's own. `answers` are the facts with which a request is answered.
    """

    model: type[EventData]
    exchange: str
    told_by: tuple[str, ...] = ()
    about: About | None = None
    answers: tuple[type[EventData], ...] = ()


def queue_name(service: str, type: str) -> str:
    """Return the name of a service's queue for an event type, e.g. `enrolment.enrolment-requested.v1`."""
    return f"{service}.{type.removeprefix(_TYPE_PREFIX)}"


def exchange_for(integrator: str) -> str:
    """Return the name of the exchange of an integrator who may read a part of the facts only."""
    return f"instroom.for.{integrator}"


def dead_letter_queue(queue: str) -> str:
    """Return the name of the queue that keeps a queue's dead letters."""
    return f"{queue}.dead"


CATALOG, ENROLMENT, NOTIFICATION = "catalog", "enrolment", "notification"

_DECIDED = (enrolment.EnrolmentConfirmed, enrolment.EnrolmentQueued, enrolment.EnrolmentRejected)
_CANCELLED = (enrolment.EnrolmentCancelled, enrolment.PlaceReleased, enrolment.RequestRefused)
_DONE = (enrolment.RequestAccepted, enrolment.RequestRefused)
_PUBLISHED = (catalog.EditionPublished, *_DONE)

_EVENTS = (
    Listed(intake.EnrolmentRequested, INTAKE, answers=_DECIDED),
    Listed(intake.EnrolmentCancellationRequested, INTAKE, answers=_CANCELLED),
    Listed(intake.SessionChoiceSubmitted, INTAKE, answers=_DONE),
    Listed(intake.CatchUpRequested, INTAKE, answers=_DONE),
    Listed(intake.AttendanceRecorded, INTAKE, answers=_DONE),
    Listed(intake.InCompanyRequested, INTAKE, answers=_DONE),
    Listed(intake.AnswerRequested, INTAKE, answers=tuple(dict.fromkeys((*_DECIDED, *_CANCELLED, *_DONE)))),
    Listed(intake.ParticipantErasureRequested, INTAKE, answers=_DONE),
    Listed(catalog.EditionPublished, EVENTS, (CATALOG,), "edition"),
    Listed(catalog.SessionRescheduled, EVENTS, (CATALOG,), "session"),
    Listed(catalog.SessionCancelled, EVENTS, (CATALOG,), "session"),
    Listed(catalog.EditionCancelled, EVENTS, (CATALOG,), "edition"),
    Listed(enrolment.EnrolmentConfirmed, EVENTS, (ENROLMENT,), "enrolment"),
    Listed(enrolment.EnrolmentQueued, EVENTS, (ENROLMENT,), "enrolment"),
    Listed(enrolment.EnrolmentRejected, EVENTS, (ENROLMENT,), "request"),
    Listed(enrolment.RequestRefused, EVENTS, (CATALOG, ENROLMENT), "request"),
    Listed(enrolment.RequestAccepted, EVENTS, (CATALOG, ENROLMENT), "request"),
    Listed(enrolment.EnrolmentCancelled, EVENTS, (ENROLMENT,), "enrolment"),
    Listed(enrolment.PlaceConfirmed, EVENTS, (ENROLMENT,), "enrolment"),
    Listed(enrolment.PlaceReleased, EVENTS, (ENROLMENT,), "enrolment"),
    Listed(enrolment.SessionFull, EVENTS, (ENROLMENT,), "session"),
    Listed(enrolment.SessionReopened, EVENTS, (ENROLMENT,), "session"),
    Listed(enrolment.GroupsFormed, EVENTS, (), "session"),
    Listed(notification.InviteSent, EVENTS, (NOTIFICATION,), "enrolment"),
    Listed(notification.InviteFailed, EVENTS, (NOTIFICATION,), "enrolment"),
    Listed(notification.ReminderSent, EVENTS, (), "enrolment"),
    Listed(catalog.EditionSubmitted, PRIVATE, answers=_PUBLISHED),
    Listed(catalog.RepublishRequested, PRIVATE, answers=_PUBLISHED),
    Listed(enrolment.SourcesClaimed, PRIVATE, answers=_DONE),
    Listed(catalog.JoiningDetailsPublished, PRIVATE, (CATALOG,), "session"),
    Listed(notification.InvitationRequested, PRIVATE, (ENROLMENT,), "enrolment"),
    Listed(notification.NoticeRequested, PRIVATE, (ENROLMENT,)),
)

TYPES: Mapping[str, Listed] = MappingProxyType({type_of(listed.model): listed for listed in _EVENTS})
"""Every event of the contract by its type, which is also its routing key."""


def traits(model: type[EventData]) -> Listed:
    """Return what is said of an event of the contract; raises `KeyError` for one that is none."""
    return TYPES[type_of(model)]
