"""Mails: what the notification service tells about them, and what it is asked for on the private exchange."""

from __future__ import annotations

from typing import Annotated, Literal

from instroom_contracts.cloudevent import EventData
from instroom_contracts.enrolment import CauseCode, ReasonCode
from instroom_contracts.fields import Count, Email, Id, Instant, Language, Line, Many, Open, Ordinal, Part, Sparse, Text

Method = Literal["REQUEST", "CANCEL"]
"""What a calendar entry does: it invites, or withdraws the invitation. RFC 5546."""

Failure = Literal[
    "address-refused",
    "message-refused",
    "server-unreachable",
    "outcome-unknown",
    "withdrawn",
    "address-unsupported",
]
"""Why an invitation was given up.

`outcome-unknown`: the server fell silent after it had been given the mail. `address-unsupported`: the server takes no
addresses with more than ASCII before the '@' (SMTPUTF8).
"""


class InviteSent(EventData):
    """Tell that a mail server took an invitation or its withdrawal."""

    invite_id: Id
    enrolment_id: Id
    edition_id: Id
    session_id: Id
    method: Method
    sequence: Count
    message_id: Line
    sent_at: Instant


class InviteFailed(EventData):
    """Tell that an invitation could not be delivered to a mail server."""

    invite_id: Id
    enrolment_id: Id
    edition_id: Id
    session_id: Id
    reason: Annotated[Failure, Open()]
    attempts: Count


class ReminderSent(EventData):
    """Tell that a reminder was sent; `kind` says which."""

    enrolment_id: Id
    edition_id: Id
    session_id: Id
    kind: Annotated[Literal["day-before", "week-before"], Open()]


class Recipient(Part):
    """Whom a mail goes to, and in which language."""

    name: Line
    email: Email
    language: Language = "nl"


class InvitationRequested(EventData):
    """Ask for an invitation to one session, or for its withdrawal. Private.

    Told of every place that somebody gets or loses, whatever the time and whatever became of its session: the receiver
    decides whether a mail is due. `sequence` is the calendar entry's and rises with every withdrawal; of two requests
    about one place the one with the higher sequence is newer, with the same one the REQUEST. `askedAt` is the time of
    the participant's request: no invitation goes out for a session that had begun by then.
    """

    invite_id: Id
    enrolment_id: Id
    edition_id: Id
    session_id: Id
    participant: Recipient
    method: Method
    sequence: Count
    cause: CauseCode
    asked_at: Instant


class QueuedSession(Part):
    """A session whose waiting list one stands on, and the turn there, from 1; no turn where the list has ended."""

    session_id: Id
    position: Sparse[Ordinal | None] = None


class NoticeRequested(EventData):
    """Ask for a mail about a waiting list, its end because the session is called off, or a refusal. Private."""

    notice_id: Id
    kind: Literal["waiting-list", "waiting-list-ended", "refusal"]
    enrolment_id: Sparse[Id | None] = None
    edition_id: Sparse[Id | None] = None
    participant: Recipient
    sessions: Sparse[Many[QueuedSession]] = ()
    reason: Sparse[ReasonCode | None] = None
    detail: Sparse[Text | None] = None
