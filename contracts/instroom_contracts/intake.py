"""The requests that other systems publish on `instroom.intake`. Unknown fields are refused here."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from instroom_contracts.cloudevent import IntakeData
from instroom_contracts.fields import (
    AskedLine,
    Email,
    EventId,
    Id,
    IntakePart,
    Language,
    MailAddress,
    Many,
    ShortAskedLine,
    ShortText,
    Slug,
    Source,
    Sparse,
    Text,
    broken_rule,
)

# JSON readers that know floating-point numbers only keep whole numbers exactly up to this one (RFC 8259, section 6).
_MOST_EXACT = 2**53 - 1

Whole = Annotated[int, Field(ge=-_MOST_EXACT, le=_MOST_EXACT)]
Real = Annotated[float, Field(ge=-_MOST_EXACT, le=_MOST_EXACT)]
Answers = dict[ShortAskedLine, Text | bool | Whole | Real]
SessionIds = Annotated[Many[Id], Field(max_length=100)]
EnrolmentIds = Annotated[Many[Id], Field(max_length=1500)]


class Participant(IntakePart):
    """Who takes part. `reference` tells people apart who share a mailbox; `role` is a slug from the audience list."""

    name: AskedLine
    email: MailAddress
    organisation: AskedLine
    role: Slug
    region: Sparse[AskedLine | None] = None
    dietary_wishes: Sparse[ShortText | None] = None
    language: Language = "nl"
    reference: Sparse[ShortAskedLine | None] = None


class Companion(IntakePart):
    """Who comes along to some sessions."""

    session_ids: Annotated[SessionIds, Field(min_length=1)]
    participant: Participant


InvoiceReference = Annotated[
    ShortAskedLine,
    Field(
        description="One line of at most 100 characters, told in the answer to whoever may read that. Not a person's"
        " name, and nothing else about one."
    ),
]


class Invoice(IntakePart):
    """What is to stand on the invoice, so that whoever pays it knows what for: a number or a code of theirs."""

    reference: InvoiceReference

    @field_validator("reference")
    @classmethod
    def _is_nobodys_address(cls, reference: str) -> str:
        if "@" in reference:
            raise broken_rule("A reference is told to whoever may read the answer: leave addresses of people out.")
        return reference


class EnrolmentRequested(IntakeData):
    """Ask for a place in an edition; answered once, by EnrolmentConfirmed, EnrolmentQueued or EnrolmentRejected.

    `sessionIds` are the chosen sessions (those that everyone attends come by themselves); `allOrNothing` asks for
    every place confirmed, or every place queued.
    """

    edition_id: Id
    participant: Participant
    session_ids: Sparse[SessionIds] = ()
    companions: Sparse[Annotated[Many[Companion], Field(max_length=10)]] = ()
    all_or_nothing: bool = False
    answers: Sparse[Answers] = Field(
        default={},
        max_length=100,
        description="Answers by question, at most 100: a question is one line of at most 100 characters, an answer is a"
        " text of at most 4,000 characters, a number below 2^53, true or false.",
    )
    invoice: Sparse[Invoice | None] = None


class EnrolmentCancellationRequested(IntakeData):
    """Withdraw an enrolment; the reason is for the course desk and is never repeated in a fact."""

    enrolment_id: Id
    reason: Sparse[ShortText | None] = None


class SessionChoiceSubmitted(IntakeData):
    """Replace the provisional choice of sessions by the final one."""

    enrolment_id: Id
    session_ids: SessionIds


class CatchUpRequested(IntakeData):
    """Ask to attend the twin of a missed session: a session of a sister edition."""

    enrolment_id: Id
    missed_session_id: Id
    edition_id: Id
    session_id: Id


class AttendanceRecorded(IntakeData):
    """Tell who attended a session and who did not, by enrolment."""

    edition_id: Id
    session_id: Id
    attended: EnrolmentIds
    absent: EnrolmentIds

    @model_validator(mode="after")
    def _nobody_twice(self) -> AttendanceRecorded:
        if not set(self.attended).isdisjoint(self.absent):
            raise broken_rule("An enrolment is in both lists: it is either attended or absent.")
        return self


class Contact(IntakePart):
    """Whom to ask about a request for an in-company edition."""

    name: AskedLine
    email: MailAddress


class InCompanyRequested(IntakeData):
    """Ask for a quote for an edition of one's own; `participants` is how many are expected."""

    programme_id: Id
    organisation: AskedLine
    contact: Contact
    participants: Annotated[int, Field(ge=1, le=100_000)]
    period: Sparse[AskedLine | None] = None
    remarks: Sparse[Text | None] = None


class AnswerRequested(IntakeData):
    """Have the answer to a request told again as it was: the same facts under the same ids.

    `requestId` is the request's id. `requestSource` is its source where that is another: for a course desk. Answered by
    those facts and by RequestAccepted, or by RequestRefused.
    """

    request_id: EventId
    request_source: Sparse[Source | None] = None


class ParticipantErasureRequested(IntakeData):
    """Ask to erase what is known of the participant with this mail address."""

    email: Email
