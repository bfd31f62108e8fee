"""An online session on 8 June 2021, somebody who is enrolled in it, and the mails about that."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from instroom_contracts.catalog import EditionPublished, Organiser, Session
from instroom_contracts.notification import InvitationRequested, NoticeRequested, Recipient
from instroom_contracts.origin import Origin
from services.notification.domain.delivery import Claim, Delivery, Outcome, Terms
from services.notification.domain.invitation import Invitation
from services.notification.domain.inviting import asked, finished
from services.notification.domain.letter import Letter
from services.notification.domain.meeting import Meeting
from services.notification.domain.notice import Notice, noted
from services.notification.writing.calendar import Party
from services.notification.writing.composing import Background, MailIdentity, compose
from services.notification.writing.mail import Outgoing

NOW = datetime(2021, 5, 20, 9, 30, tzinfo=UTC)
STARTS = datetime(2021, 6, 8, 11, 0, tzinfo=UTC)
ENDS = datetime(2021, 6, 8, 14, 30, tzinfo=UTC)
LINK = "https://meet.example.org/participatie"
ORIGIN = Origin("request-1", "urn:nld:oin:00000001823288444000:systeem:website")
TERMS = Terms(
    patience=timedelta(seconds=200),
    first_pause=timedelta(seconds=30),
    longest_pause=timedelta(seconds=100),
    domain="mail.example.org",
)
IDENTITY = MailIdentity(Party("Inschrijving", "inschrijving@mail.example.org"), "mail.example.org")
ACCEPTED = Outcome("accepted")


def session(**changes: Any) -> Session:
    """Build a session that is held online."""
    plain = {
        "session_id": "proces",
        "title": "Participatie als proces",
        "attendance": "choice",
        "form": "online",
        "location": "MS Teams",
        "starts_at": STARTS,
        "ends_at": ENDS,
    }
    return Session(**{**plain, **changes})


def edition(*sessions: Session, **changes: Any) -> EditionPublished:
    """Build an edition of these sessions, or of the one."""
    plain = {
        "edition_id": "week-noord",
        "programme_id": "week",
        "provider": "vng-connect",
        "title": "Week van de Participatie",
        "kind": "open",
        "state": "open",
        "version": 1,
        "sessions": sessions or (session(),),
        "provider_name": "VNG Connect",
        "organiser": Organiser(name="VNG Connect", email="week@vng-connect.example.org"),
    }
    return EditionPublished(**{**plain, **changes})


def meeting(**changes: Any) -> Meeting:
    """Build a session with everything that an invitation needs."""
    return replace(Meeting(session=session(), join_url=LINK, link_version=1), **changes)


def recipient(**changes: Any) -> Recipient:
    """Build a participant."""
    return Recipient(**{"name": "Robin Jansen", "email": "robin.jansen@example.org", **changes})


def request(method: str = "REQUEST", sequence: int = 0, **changes: Any) -> InvitationRequested:
    """Build what the enrolment service asks for."""
    plain = {
        "invite_id": "invite-1",
        "enrolment_id": "enrolment-1",
        "edition_id": "week-noord",
        "session_id": "proces",
        "participant": recipient(),
        "method": method,
        "sequence": sequence,
        "cause": "enrolment" if method == "REQUEST" else "cancellation",
        "asked_at": NOW,
    }
    return InvitationRequested(**{**plain, **changes})


def invitation(of: Meeting | None = None, **changes: Any) -> Invitation:
    """Build an invitation that was just asked for."""
    return asked(None, request(**changes), of or meeting(), ORIGIN, NOW)


def sending(invitation: Invitation, *, handed_over: bool = False) -> Invitation:
    """Put an invitation in the hands of a sender."""
    claim = Claim("token", NOW + timedelta(minutes=5), handed_over)
    return replace(invitation, delivery=replace(invitation.delivery, state="sending", claim=claim))


def after(invitation: Invitation, outcome: Outcome = ACCEPTED, of: Meeting | None = None) -> Invitation:
    """Let one attempt to send it end like this."""
    return finished(sending(invitation), of or meeting(), outcome, NOW, TERMS)[0]


def sent(**changes: Any) -> Invitation:
    """Build an invitation that a mail server took."""
    return after(invitation(**changes))


def notice(**changes: Any) -> Notice:
    """Build a notice."""
    plain = {"notice_id": "notice-1", "kind": "refusal", "participant": recipient()}
    return noted(NoticeRequested(**{**plain, **changes}), NOW)


def mail_of(letter: Letter, background: Background | None = None) -> EmailMessage:
    """Compose a letter and parse the mail again, as a mail program would."""
    return parsed(compose(letter, background or Background(edition(), meeting()), NOW, IDENTITY))


def parsed(mail: Outgoing) -> EmailMessage:
    """Parse a mail."""
    message = message_from_bytes(mail.content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def text_of(message: EmailMessage, subtype: str = "plain") -> str:
    """Return the body of this kind."""
    return next(str(part.get_content()) for part in message.walk() if part.get_content_subtype() == subtype)


def in_state(state: Any, **changes: Any) -> Delivery:
    """Build a delivery that came to this state."""
    return Delivery(state, **{"due": NOW, **changes})
