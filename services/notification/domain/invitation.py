"""Invitations: what is wanted, what the participant has, and the last mail."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from instroom_contracts.notification import Method, Recipient
from instroom_contracts.origin import Origin
from services.notification.domain.delivery import Delivery

CALLED_OFF = ("session-cancelled", "edition-cancelled")
POSTPONED = "session-postponed"
RESCHEDULED = "session-rescheduled"


def invitation_id(enrolment_id: str, edition_id: str, session_id: str) -> str:
    """Return the id of the invitation of an enrolment to a session."""
    return f"{enrolment_id}.{edition_id}.{session_id}"


@dataclass(frozen=True)
class Shown:
    """What a calendar shows once it took an invitation: the session's details (a digest), at which of the addresses."""

    details: str
    address: int
    starts_at: datetime | None = field(compare=False)


@dataclass(frozen=True)
class Mail:
    """One mail of an invitation: `cause` is a code that decides its wording, `shows` what a calendar makes of it."""

    invite_id: str
    method: Method
    sequence: int
    cause: str
    origin: Origin
    shows: Shown | None = None


@dataclass(frozen=True)
class Invitation:
    """The invitation of one enrolment to one session: what is wanted, what the participant has, and the last mail.

    The fields `asked_...` are those of the newest request heeded; `address` numbers the participant's mail addresses.
    `seen` is the version of the session that the mail was judged by. `on_calendar`: a REQUEST reached the participant,
    or may have, and was not withdrawn; `arrived` is the last mail that reached them, None where nobody knows whether
    another did after it. `overtaken`: something newer was asked for while the mail is being sent. `owner` is the source
    that the enrolment belongs to, `provider` the edition's, where the request named them.
    """

    enrolment_id: str
    edition_id: str
    session_id: str
    participant: Recipient
    asked_sequence: int
    asked_method: Method
    asked_at: datetime
    mail: Mail
    delivery: Delivery
    asked_cause: str | None = None
    asked_origin: Origin | None = None
    address: int = 0
    seen: int = 0
    overtaken: bool = False
    on_calendar: bool = False
    arrived: Mail | None = None
    owner: str | None = None
    provider: str | None = None

    def belonging_to(self, owner: str | None, provider: str | None) -> Invitation:
        """Return the same as that of this source and provider; None leaves what is known."""
        return replace(self, owner=owner or self.owner, provider=provider or self.provider)

    @property
    def id(self) -> str:
        """Return the id: one per enrolment and session; twins in sister editions share their session's id."""
        return invitation_id(self.enrolment_id, self.edition_id, self.session_id)

    def uid(self, domain: str) -> str:
        """Return the UID of the calendar entry (RFC 5545, section 3.8.4.7)."""
        return f"{self.id}@{domain}"

    @property
    def traceparent(self) -> str | None:
        """Return what led to the mail in its trace."""
        return self.mail.origin.traceparent

    @property
    def wanted(self) -> bool:
        """Say whether the participant has a place to be invited to, by the newest request."""
        return self.asked_method == "REQUEST"

    def shown(self) -> Shown | None:
        """Return what the participant's calendar shows; None where it shows nothing, or nobody knows."""
        return self.arrived.shows if self.on_calendar and self.arrived else None

    def message_id(self, domain: str) -> str:
        """Return the Message-ID of the mail: the same at every attempt."""
        return f"<{self.mail.invite_id}.{self.mail.sequence}@{domain}>"
