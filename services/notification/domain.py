"""What the notification service keeps: sessions with their links, invitations with their mails, and notices.

Everything here is pure. The rules of what is sent when stand in `inviting`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256

from instroom_contracts.catalog import Session
from instroom_contracts.notification import Method, NoticeRequested, Recipient
from services.notification.delivery import Delivery

CALLED_OFF = ("session-cancelled", "edition-cancelled")
POSTPONED = "session-postponed"
RESCHEDULED = "session-rescheduled"


@dataclass(frozen=True)
class Origin:
    """The intake event that a mail goes back to: its id and its source, and what led to the mail in its trace."""

    id: str
    source: str
    traceparent: str | None = None


@dataclass(frozen=True)
class Meeting:
    """A session as its invitations need it.

    `version` rises with every change that its invitations must follow, `origin` is what led to the last of these;
    `behind` says that some invitations may not have followed yet.
    """

    session: Session | None = None
    called_off: bool = False
    join_url: str | None = None
    link_version: int = 0
    version: int = 0
    behind: bool = False
    origin: Origin | None = None

    @property
    def details(self) -> str:
        """Return a digest of what a participant must know to be there: a mail with another one is out of date."""
        session = self.session
        place = (session.form, session.location) if session else ()
        times = (_to_the_ms(session.starts_at), _to_the_ms(session.ends_at)) if session else ()
        return sha256(repr((*times, *place, self.join_url)).encode()).hexdigest()[:16]

    @property
    def dated(self) -> bool:
        """Say whether it is known when the session is."""
        return bool(self.session and self.session.starts_at and self.session.ends_at)

    @property
    def complete(self) -> bool:
        """Say whether there is a date and, where the session is online, a link."""
        return self.dated and not (self.session and self.session.form == "online" and self.join_url is None)

    def begun(self, at: datetime) -> bool:
        """Say whether the session had begun at this time."""
        return bool(self.session and self.session.starts_at and self.session.starts_at <= at)

    def after(self, changed: Meeting, origin: Origin, now: datetime) -> Meeting:
        """Return what this becomes by a change; under a higher version, where its invitations must follow.

        A version is a time in ms, so that it is higher also where a service of 0.2.0, side by side with this one during
        an upgrade, wrote the session without its version.
        """
        if (changed.called_off, changed.details) == (self.called_off, self.details):
            return changed
        version = max(self.version + 1, int(now.timestamp() * 1000))
        return replace(changed, version=version, behind=True, origin=origin)


def _to_the_ms(at: datetime | None) -> str | None:
    """Write an instant as the database keeps it, so that a digest is the same before it was stored and after."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds") if at else None


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


@dataclass(frozen=True)
class Notice:
    """A mail without a calendar entry: about the waiting list, or a refusal."""

    request: NoticeRequested
    delivery: Delivery
    traceparent: str | None = None

    @property
    def id(self) -> str:
        """Return the id of the notice."""
        return self.request.notice_id

    @property
    def participant(self) -> Recipient:
        """Return whom the notice goes to."""
        return self.request.participant

    def message_id(self, domain: str) -> str:
        """Return the Message-ID of the mail: the same at every attempt."""
        return f"<{self.id}@{domain}>"


Letter = Invitation | Notice


def ids_of(letter: Letter) -> dict[str, str]:
    """Return what a log may say of a letter: ids only."""
    if isinstance(letter, Notice):
        return {"invite_id": letter.id}
    return {"invite_id": letter.mail.invite_id, "session_id": letter.session_id, "edition_id": letter.edition_id}


def noted(request: NoticeRequested, now: datetime, traceparent: str | None = None) -> Notice:
    """Open the notice that a request asks for; it is due at once."""
    return Notice(request, Delivery("pending", now), traceparent)
