"""The facts of the enrolment service: decisions, places, seats and groups, by ids and codes only.

Of what people write they hold one thing: the reference for an invoice, which is nobody's name.
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field

from instroom_contracts.catalog import Price
from instroom_contracts.cloudevent import EventData, Problem
from instroom_contracts.fields import (
    Count,
    EventType,
    Id,
    Line,
    Many,
    Open,
    Ordinal,
    Part,
    ShortLine,
    Since,
    Slug,
    Source,
    Sparse,
    Text,
)

Reason = Literal[
    "invalid-request",
    "unknown-edition",
    "request-only",
    "edition-cancelled",
    "edition-not-open",
    "deadline-passed",
    "already-enrolled",
    "unknown-session",
    "session-over",
    "not-in-audience",
    "prerequisite-missing",
    "too-few-choices",
    "too-many-choices",
    "sessions-clash",
    "companion-required",
    "companion-not-allowed",
    "answers-incomplete",
    "queue-full",
    "unknown-enrolment",
    "not-yours",
    "already-cancelled",
    "choice-closed",
    "not-a-twin",
    "unknown-request",
    "answer-not-kept",
    "asked-too-often",
]
"""Why a request is refused. Up to `queue-full` in the order of the checks: the first that fails is told."""

REASONS: tuple[Reason, ...] = get_args(Reason)

Cause = Literal[
    "enrolment",
    "promotion",
    "choice",
    "catch-up",
    "cancellation",
    "session-rescheduled",
    "session-cancelled",
    "edition-cancelled",
    "capacity-changed",
    "erasure",
]
"""What led to a change of a place or an enrolment."""

EnrolmentState = Literal["confirmed", "queued", "cancelled"]
ReasonCode = Annotated[Reason, Open()]
CauseCode = Annotated[Cause, Open()]


class Place(Part):
    """One enrolment in one session; `position` in the waiting list counts from 1.

    `confirmed` and `queued` are how many places of the session are, after this one.
    """

    session_id: Id
    state: Literal["confirmed", "queued"]
    position: Sparse[Ordinal | None] = None
    session_version: Count
    confirmed: Since[Count | None] = None
    queued: Since[Count | None] = None


class CompanionPlaces(Part):
    """The places of a companion, who has an enrolment of their own."""

    enrolment_id: Id
    places: Many[Place]


class _Decided(EventData):
    enrolment_id: Id
    edition_id: Id
    places: Many[Place]
    companions: Sparse[Many[CompanionPlaces]] = ()
    price: Since[Price | None] = None
    invoice_reference: Sparse[ShortLine | None] = Field(
        default=None, description="What the request gave for the invoice: not a person's name, and nothing about one."
    )


class EnrolmentConfirmed(_Decided):
    """Answer a request: every session that everyone attends is confirmed."""


class EnrolmentQueued(_Decided):
    """Answer a request: at least one session that everyone attends is on the waiting list."""


class EnrolmentRejected(EventData):
    """Answer a request with a refusal: a code, and a sentence for the participant.

    `enrolmentId` names the enrolment that exists already, where the asker owns it.
    """

    edition_id: Sparse[Id | None] = None
    enrolment_id: Sparse[Id | None] = None
    reason: ReasonCode
    detail: Text
    errors: Sparse[Many[Problem]] = ()


class RequestRefused(EventData):
    """Answer another intake event with a refusal; no `requestType` where the type itself could not be read."""

    request_type: Sparse[EventType | None] = None
    enrolment_id: Sparse[Id | None] = None
    reason: ReasonCode
    detail: Text
    errors: Sparse[Many[Problem]] = ()


class RequestAccepted(EventData):
    """Answer another intake event that causes no fact of its own."""

    request_type: EventType
    enrolment_id: Sparse[Id | None] = None


class EnrolmentCancelled(EventData):
    """Tell that an enrolment has ended, and which sessions it was for."""

    enrolment_id: Id
    edition_id: Id
    session_ids: Many[Id]
    cause: CauseCode


class _PlaceChanged(EventData):
    enrolment_id: Id
    enrolment_state: EnrolmentState
    edition_id: Id
    session_id: Id
    session_version: Count
    confirmed: Since[Count | None] = None
    queued: Since[Count | None] = None
    cause: CauseCode


class PlaceConfirmed(_PlaceChanged):
    """Tell that an enrolment got a seat after its answer was told, e.g. from the waiting list.

    `confirmed` and `queued` are how many places of the session are, after that.
    """


class PlaceReleased(_PlaceChanged):
    """Tell that an enrolment gave up its seat or its turn in one session.

    `confirmed` and `queued` are how many places of the session are, after that.
    """


class _SeatsChanged(EventData):
    session_id: Id
    edition_id: Id
    capacity: Count
    confirmed: Count
    queued: Count
    session_version: Count


class SessionFull(_SeatsChanged):
    """Tell that a session's last seat was taken."""


class SessionReopened(_SeatsChanged):
    """Tell that a session that was full has seats again."""


class Group(Part):
    """One group of a session's participants."""

    name: Line
    enrolment_ids: Many[Id]


class GroupsFormed(EventData):
    """Tell how a session's participants are divided."""

    edition_id: Id
    session_id: Id
    groups: Many[Group]


MOST_SOURCES = 100
"""So many sources may be one account's own."""


class SourcesClaimed(EventData):
    """Claim these sources, and no others, for an account on the broker: nobody else may send in their name. Private.

    Answered by RequestAccepted, or by RequestRefused (`not-yours`) where one is another account's own.
    """

    account: Slug
    sources: Annotated[Many[Source], Field(max_length=MOST_SOURCES)]
