"""The rules of invitations: when one is sent, sent anew, withdrawn, tried again or given up.

An invitation is judged by what is wanted (the newest request for it), by its session as it is now, and by what the
participant's calendar shows; never by how it came to that. So requests and changes may arrive in any order, a change
that is undone before anybody was told costs no mail, and judging again changes nothing.

Everything here is pure: time comes in as an argument, and a function returns what changed.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from instroom_contracts.cloudevent import EventData
from instroom_contracts.notification import InvitationRequested, InviteFailed, InviteSent
from instroom_contracts.origin import Origin
from services.notification.domain.delivery import Delivery, Outcome, State, Terms, concluded
from services.notification.domain.invitation import CALLED_OFF, POSTPONED, RESCHEDULED, Invitation, Mail, Shown
from services.notification.domain.meeting import Meeting

ATTEMPTED: tuple[State, ...] = ("sent", "uncertain", "failed")
"""The states in which a mail was given to a mail server, or given up: another one takes its place under a SEQUENCE."""

Due = tuple[State, Mail]


def asked(
    known: Invitation | None, request: InvitationRequested, meeting: Meeting, origin: Origin, now: datetime
) -> Invitation:
    """Heed a request for an invitation (REQUEST) or for its withdrawal (CANCEL); one that is overtaken changes nothing.

    `known` is the invitation of this enrolment and session, where there is one.
    """
    if known and _rank(request.sequence, request.method) <= _rank(known.asked_sequence, known.asked_method):
        return known
    before = known or _opened(request, origin, now)
    heeded = replace(
        before,
        participant=request.participant,
        address=before.address + (request.participant.email != before.participant.email),
        asked_sequence=request.sequence,
        asked_method=request.method,
        asked_at=request.asked_at,
        asked_cause=request.cause,
        asked_origin=origin,
    )
    return judged(heeded, meeting, now)


def judged(invitation: Invitation, meeting: Meeting, now: datetime) -> Invitation:
    """Bring an invitation in line with what is wanted now; one that is being sent is judged when that has ended."""
    if invitation.delivery.state == "sending":
        return replace(invitation, overtaken=True)
    seen = replace(invitation, seen=meeting.version)
    if meeting.session is None and invitation.delivery.state not in ("waiting", "dropped"):
        return seen
    return _under_way(seen, *_due(seen, meeting), now)


def finished(
    invitation: Invitation, meeting: Meeting, outcome: Outcome, now: datetime, terms: Terms
) -> tuple[Invitation, tuple[EventData, ...]]:
    """Take in how an attempt ended: the invitation as it is now, and the facts to tell.

    Whatever changed meanwhile gets under way, also where this mail would otherwise be tried again.
    """
    done = _taken_in(replace(invitation, delivery=concluded(invitation.delivery, outcome, now, terms)))
    return judged(done, meeting, now), _facts(done, now, terms)


def _rank(sequence: int, method: str) -> tuple[int, bool]:
    """Rank requests: of two with one sequence the REQUEST is newer, since a withdrawal raises it."""
    return sequence, method == "REQUEST"


def _opened(request: InvitationRequested, origin: Origin, now: datetime) -> Invitation:
    return Invitation(
        enrolment_id=request.enrolment_id,
        edition_id=request.edition_id,
        session_id=request.session_id,
        participant=request.participant,
        asked_sequence=request.sequence,
        asked_method=request.method,
        asked_at=request.asked_at,
        mail=Mail(request.invite_id, request.method, request.sequence, request.cause, origin),
        delivery=Delivery("dropped", now),
    )


def _due(invitation: Invitation, meeting: Meeting) -> Due:
    """Return the mail that makes the participant's calendar true, and how far it can go."""
    cause, origin = _asked_for(invitation)
    if not invitation.wanted:
        past = cause not in CALLED_OFF and _entry_begun(invitation, meeting)
        return _withdrawal(invitation, cause, origin, needed=invitation.on_calendar and not past)
    if meeting.called_off:
        return _withdrawal(invitation, CALLED_OFF[0], meeting.origin or origin, needed=invitation.on_calendar)
    if invitation.on_calendar:
        return _update(invitation, meeting, meeting.origin or origin)
    return _first(invitation, meeting, cause, origin)


def _asked_for(invitation: Invitation) -> tuple[str, Origin]:
    """Return why the newest request was made, and what it goes back to; before 0.3 its mail alone knew."""
    mail = invitation.mail
    return invitation.asked_cause or mail.cause, invitation.asked_origin or mail.origin


def _entry_begun(invitation: Invitation, meeting: Meeting) -> bool:
    """Say whether what the calendar shows had begun when the request was made: an entry of the past is left alone."""
    shown = invitation.shown() or invitation.mail.shows
    starts_at = shown.starts_at if shown else None
    return starts_at <= invitation.asked_at if starts_at else meeting.begun(invitation.asked_at)


def _withdrawal(invitation: Invitation, cause: str, origin: Origin, *, needed: bool) -> Due:
    mail = Mail(invitation.mail.invite_id, "CANCEL", invitation.asked_sequence, cause, origin)
    return ("pending" if needed else "dropped"), mail


def _update(invitation: Invitation, meeting: Meeting, origin: Origin) -> Due:
    """Let an entry follow its session: one without a date any more is taken away until there is one again.

    One whose link alone is gone stays: its hours are true.
    """
    if not meeting.dated:
        return _withdrawal(invitation, POSTPONED, origin, needed=True)
    shows = _shows(invitation, meeting)
    if invitation.arrived and invitation.shown() == shows:
        return "sent", invitation.arrived
    mail = Mail(invitation.mail.invite_id, "REQUEST", invitation.asked_sequence, RESCHEDULED, origin, shows)
    return "pending", mail


def _first(invitation: Invitation, meeting: Meeting, cause: str, origin: Origin) -> Due:
    """Invite, once there is all that one must know; nobody is invited to what had begun when they asked."""
    shows = _shows(invitation, meeting) if meeting.complete else None
    mail = Mail(invitation.mail.invite_id, "REQUEST", invitation.asked_sequence, cause, origin, shows)
    if meeting.begun(invitation.asked_at):
        return "dropped", mail
    return ("pending" if meeting.complete else "waiting"), mail


def _shows(invitation: Invitation, meeting: Meeting) -> Shown:
    starts_at = meeting.session.starts_at if meeting.session else None
    return Shown(meeting.details, invitation.address, starts_at)


def _under_way(invitation: Invitation, state: State, mail: Mail, now: datetime) -> Invitation:
    """Put a mail in the place of the last one, unless that says the same."""
    last, delivery = invitation.mail, invitation.delivery
    same = mail.method == last.method and mail.shows == last.shows
    if same and delivery.state in ATTEMPTED:
        return invitation
    if mail is invitation.arrived:
        return replace(invitation, mail=mail, delivery=Delivery(state, now))
    if mail.method != last.method or delivery.state in ATTEMPTED:
        return replace(invitation, mail=_numbered(mail, last.sequence + 1), delivery=Delivery(state, now))
    goes_on = state == "pending" and delivery.state in ("pending", "retry", "held")
    kept = delivery if goes_on or delivery.state == state else Delivery(state, now)
    return replace(invitation, mail=_numbered(mail, last.sequence), delivery=kept)


def _numbered(mail: Mail, least: int) -> Mail:
    """Give a mail its SEQUENCE: above that of every mail that a calendar may have (RFC 5546, section 2.1.4)."""
    return replace(mail, sequence=max(mail.sequence, least))


def _taken_in(invitation: Invitation) -> Invitation:
    """Note what the participant's calendar may show, now that the mail came to this state."""
    mail, done = invitation.mail, replace(invitation, overtaken=False)
    match invitation.delivery.state:
        case "sent":
            return replace(done, on_calendar=mail.method == "REQUEST", arrived=mail)
        case "uncertain":
            return replace(done, on_calendar=mail.method == "REQUEST" or done.on_calendar, arrived=None)
        case _:
            return done


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
