"""What the notification service does about each event that it hears; nothing is sent here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from chassis.documents import ById, Documents
from chassis.handling import Tell
from instroom_contracts.catalog import EditionPublished, JoiningDetailsPublished
from instroom_contracts.cloudevent import CloudEvent
from instroom_contracts.notification import InvitationRequested, NoticeRequested
from services.notification.domain import Meeting, Origin, invitation_id, noted
from services.notification.inviting import asked
from services.notification.limits import NEVER_MAILED, Told, refusal_of_the_day
from services.notification.storage import EDITIONS, INVITATIONS, MEETINGS, NOTICES, REFUSALS, meeting_id


def invite_or_withdraw(event: CloudEvent[InvitationRequested], documents: Documents, now: datetime) -> Sequence[Tell]:
    """Store an invitation or its withdrawal.

    Its session is written along as it is: a change of that at the same time makes this a conflict, and it is judged
    by the newest details when it is decided again.
    """
    request = event.data
    session = meeting_id(request.edition_id, request.session_id)
    meeting = documents.get(MEETINGS, session) or Meeting()
    id = invitation_id(request.enrolment_id, request.edition_id, request.session_id)
    known = documents.get(INVITATIONS, id)
    invitation = asked(known, request, meeting, _origin(event), now)
    invitation = invitation.belonging_to(event.ownersource, event.provider)
    if invitation != known:
        documents.put(MEETINGS, session, meeting)
        documents.put(INVITATIONS, id, invitation)
    return ()


def notify(event: CloudEvent[NoticeRequested], documents: Documents, now: datetime) -> Sequence[Tell]:
    """Store a notice about the waiting list or a refusal; one that is known stays as it is.

    The same refusal is mailed to the same mailbox once a day, however often it is asked for.
    """
    request = event.data
    if request.reason in NEVER_MAILED:
        return ()
    today = refusal_of_the_day(request, now)
    documents.require([ById(NOTICES, request.notice_id), ById(REFUSALS, today)])
    if documents.get(NOTICES, request.notice_id) or documents.get(REFUSALS, today):
        return ()
    if request.kind == "refusal":
        documents.put(REFUSALS, today, Told(now))
    documents.put(NOTICES, request.notice_id, noted(request, now, event.traceparent))
    return ()


def keep_edition(event: CloudEvent[EditionPublished], documents: Documents, now: datetime) -> Sequence[Tell]:
    """Keep the newest version of an edition, and of each of its sessions."""
    edition = event.data
    known = documents.get(EDITIONS, edition.edition_id)
    if known is not None and known.version >= edition.version:
        return ()
    documents.put(EDITIONS, edition.edition_id, edition)
    sessions = {session.session_id: session for session in (*(known.sessions if known else ()), *edition.sessions)}
    on = {session.session_id for session in edition.sessions if session.state != "cancelled"}
    for session_id, session in sessions.items():
        off = edition.state == "cancelled" or session_id not in on
        _keep(meeting_id(edition.edition_id, session_id), documents, event, now, session=session, called_off=off)
    return ()


def keep_link(event: CloudEvent[JoiningDetailsPublished], documents: Documents, now: datetime) -> Sequence[Tell]:
    """Keep a session's newest meeting link."""
    joining = event.data
    session = meeting_id(joining.edition_id, joining.session_id)
    known = documents.get(MEETINGS, session)
    if known is None or joining.version > known.link_version:
        _keep(session, documents, event, now, join_url=joining.join_url, link_version=joining.version)
    return ()


def _keep(id: str, documents: Documents, event: CloudEvent[Any], now: datetime, **changes: Any) -> None:
    """Keep a changed session; its invitations follow by themselves (`following`), however many they are."""
    meeting = documents.get(MEETINGS, id) or Meeting()
    after = meeting.after(replace(meeting, **changes), _origin(event), now)
    if after != meeting:
        documents.put(MEETINGS, id, after)


def _origin(event: CloudEvent[Any]) -> Origin:
    """Return the intake event that an event goes back to: the one it names, else itself."""
    if event.correlationid and event.correlationsource:
        return Origin(event.correlationid, event.correlationsource, event.traceparent)
    return Origin(event.id, event.source, event.traceparent)
