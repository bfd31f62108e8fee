"""The rules of invitations: when one is sent, sent anew, withdrawn, tried again or given up.

Everything here is pure: time comes in as an argument, and a function returns what changed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from instroom_contracts.catalog import Session
from instroom_contracts.cloudevent import EventData
from instroom_contracts.notification import (
    InvitationRequested,
    InviteFailed,
    InviteSent,
    Method,
    NoticeRequested,
    Recipient,
)
from services.notification.delivery import Delivery, Outcome, State, Terms, concluded

CALLED_OFF = ("session-cancelled", "edition-cancelled")
RESCHEDULED = "session-rescheduled"


@dataclass(frozen=True)
class Meeting:
    """A session as its invitations need it; `invited` counts those who ever had one."""

    session: Session | None = None
    called_off: bool = False
    join_url: str | None = None
    link_version: int = 0
    invited: int = 0

    @property
    def details(self) -> tuple[object, ...]:
        """Return what a participant must know to be there: when one of these changes, the invitation is sent anew."""
        session = self.session
        place = (session.starts_at, session.ends_at, session.form, session.location) if session else ()
        return (self.called_off, self.join_url, *place)

    @property
    def complete(self) -> bool:
        """Say whether there is a date and, where the session is online, a link."""
        session = self.session
        if session is None or session.starts_at is None or session.ends_at is None:
            return False
        return session.form != "online" or self.join_url is not None

    def begun(self, at: datetime) -> bool:
        """Say whether the session had begun at this time."""
        return bool(self.session and self.session.starts_at and self.session.starts_at <= at)


def invitation_id(enrolment_id: str, edition_id: str, session_id: str) -> str:
    """Return the id of the invitation of an enrolment to a session."""
    return f"{enrolment_id}.{edition_id}.{session_id}"


@dataclass(frozen=True)
class Origin:
    """The intake event that a mail goes back to: its id and its source, and what led to the mail in its trace."""

    id: str
    source: str
    traceparent: str | None = None


@dataclass(frozen=True)
class Mail:
    """One mail of an invitation; `cause` is a code that decides its wording."""

    invite_id: str
    method: Method
    sequence: int
    cause: str
    origin: Origin


@dataclass(frozen=True)
class Invitation:
    """The invitation of one enrolment to one session: the mail that is under way and what may follow it.

    `number` is its turn among those of its session. `asked_sequence` and `asked_method` tell the newest request heeded,
    `asked_at` the time of it. `on_calendar`: a REQUEST reached the participant, or may have, and was not withdrawn.
    `owner` is the source that the enrolment belongs to, `provider` the edition's, where the request named them.
    """

    enrolment_id: str
    edition_id: str
    session_id: str
    participant: Recipient
    number: int
    asked_sequence: int
    asked_method: Method
    asked_at: datetime
    mail: Mail
    delivery: Delivery
    following: Mail | None = None
    on_calendar: bool = False
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
    def newest(self) -> Mail:
        """Return the last mail of the series, sent or to be sent."""
        return self.following or self.mail

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


def asked(
    known: Invitation | None, request: InvitationRequested, meeting: Meeting, origin: Origin, now: datetime
) -> Invitation:
    """Heed a request for an invitation (REQUEST) or for its withdrawal (CANCEL); one that is overtaken changes nothing.

    `known` is the invitation of this enrolment and session, where there is one.
    """
    mail = Mail(request.invite_id, request.method, request.sequence, request.cause, origin)
    if known is None:
        return _under_way(_opened(request, mail, meeting, now), mail, meeting, now)
    if _is_stale(known, request):
        return known
    heeded = replace(
        known,
        participant=request.participant,
        asked_sequence=request.sequence,
        asked_method=request.method,
        asked_at=request.asked_at,
    )
    return _under_way(heeded, _after(known, mail), meeting, now)


def refreshed(invitation: Invitation, meeting: Meeting, origin: Origin, now: datetime) -> Invitation:
    """Let a session's new details reach an invitation: released, sent anew, or withdrawn where it is called off."""
    newest, state = invitation.newest, invitation.delivery.state
    if newest.method == "CANCEL":
        return invitation
    if meeting.called_off:
        cancel = replace(newest, method="CANCEL", cause=CALLED_OFF[0], origin=origin)
        return _under_way(invitation, _after(invitation, cancel), meeting, now)
    if state == "retry" and _readiness(invitation, newest, meeting) == "pending":
        return invitation
    if state in ("waiting", "pending", "retry", "held", "dropped"):
        return _under_way(invitation, newest, meeting, now)
    return _under_way(invitation, _after(invitation, replace(newest, cause=RESCHEDULED, origin=origin)), meeting, now)


def finished(
    invitation: Invitation, meeting: Meeting, outcome: Outcome, now: datetime, terms: Terms
) -> tuple[Invitation, tuple[EventData, ...]]:
    """Take in how an attempt ended: the invitation as it is now, and the facts to tell.

    What was to follow gets under way, also where this mail would otherwise be tried again.
    """
    delivery = concluded(invitation.delivery, outcome, now, terms)
    done = replace(invitation, delivery=delivery, on_calendar=_on_calendar(invitation, delivery.state))
    facts = _facts(done, now, terms)
    return (_under_way(done, done.following, meeting, now) if done.following else done), facts


def noted(request: NoticeRequested, now: datetime, traceparent: str | None = None) -> Notice:
    """Open the notice that a request asks for; it is due at once."""
    return Notice(request, Delivery("pending", now), traceparent)


def _opened(request: InvitationRequested, mail: Mail, meeting: Meeting, now: datetime) -> Invitation:
    return Invitation(
        enrolment_id=request.enrolment_id,
        edition_id=request.edition_id,
        session_id=request.session_id,
        participant=request.participant,
        number=meeting.invited + 1,
        asked_sequence=request.sequence,
        asked_method=request.method,
        asked_at=request.asked_at,
        mail=mail,
        delivery=Delivery("dropped", now),
    )


def _is_stale(known: Invitation, request: InvitationRequested) -> bool:
    """Recognise a request that comes after a newer one, or again: replicas may take them out of order."""
    if request.sequence == known.asked_sequence:
        return request.method == known.asked_method
    return request.sequence < known.asked_sequence


def _after(invitation: Invitation, mail: Mail) -> Mail:
    """Give a mail its SEQUENCE: above that of any mail before it (RFC 5546, section 2.1.4)."""
    return replace(mail, sequence=max(mail.sequence, invitation.mail.sequence + 1))


def _under_way(invitation: Invitation, mail: Mail, meeting: Meeting, now: datetime) -> Invitation:
    """Put a mail in the place of the one before; behind one that is being sent it waits its turn."""
    if invitation.delivery.state == "sending":
        return replace(invitation, following=mail)
    delivery = Delivery(_readiness(invitation, mail, meeting), now)
    return replace(invitation, mail=mail, following=None, delivery=delivery)


def _readiness(invitation: Invitation, mail: Mail, meeting: Meeting) -> State:
    """Say whether a mail can go out now, must wait for the session's details, or need not go out at all."""
    if meeting.begun(invitation.asked_at):
        return "dropped"
    if mail.method == "CANCEL":
        return "pending" if invitation.on_calendar else "dropped"
    if meeting.called_off:
        return "dropped"
    return "pending" if meeting.complete else "waiting"


def _on_calendar(invitation: Invitation, state: State) -> bool:
    """Say whether the participant's calendar may show the session, once a mail came to this state."""
    asks = invitation.mail.method == "REQUEST"
    match state:
        case "sent":
            return asks
        case "uncertain":
            return asks or invitation.on_calendar
        case _:
            return invitation.on_calendar


def _facts(invitation: Invitation, now: datetime, terms: Terms) -> tuple[EventData, ...]:
    match invitation.delivery.state:
        case "sent":
            return (_sent(invitation, now, terms),)
        case "failed" | "uncertain":
            return (_failed(invitation),)
        case _:
            return ()


def _sent(invitation: Invitation, now: datetime, terms: Terms) -> InviteSent:
    return InviteSent(
        invite_id=invitation.mail.invite_id,
        enrolment_id=invitation.enrolment_id,
        edition_id=invitation.edition_id,
        session_id=invitation.session_id,
        method=invitation.mail.method,
        sequence=invitation.mail.sequence,
        message_id=invitation.message_id(terms.domain),
        sent_at=now,
    )


def _failed(invitation: Invitation) -> InviteFailed:
    return InviteFailed(
        invite_id=invitation.mail.invite_id,
        enrolment_id=invitation.enrolment_id,
        edition_id=invitation.edition_id,
        session_id=invitation.session_id,
        reason=invitation.delivery.trouble or "message-refused",
        attempts=invitation.delivery.attempts,
    )
