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
from services.notification.domain import Meeting, Origin, asked, invitation_id, noted, refreshed
from services.notification.limits import NEVER_MAILED, Told, refusal_of_the_day
from services.notification.storage import EDITIONS, INVITATIONS, MEETINGS, NOTICES, OF_SESSION, REFUSALS, meeting_id


def invite_or_withdraw(event: CloudEvent[InvitationRequested], documents: Documents, now: datetime) -> Sequence[Tell]:
    """Store an invitation or its withdrawal.

    A new one is counted with its session, so that a change of the session at the same time cannot overlook it.
    """
    request = event.data
    session = meeting_id(request.edition_id, request.session_id)
    meeting = documents.get(MEETINGS, session) or Meeting()
    id = invitation_id(request.enrolment_id, request.edition_id, request.session_id)
    known = documents.get(INVITATIONS, id)
    if known is None:
        documents.put(MEETINGS, session, replace(meeting, invited=meeting.invited + 1))
    invitation = asked(known, request, meeting, _origin(event), now)
    documents.put(INVITATIONS, id, invitation.belonging_to(event.ownersource, event.provider))
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
    """Keep the newest version of an edition and let what changed reach the invitations of its sessions."""
    edition = event.data
    known = documents.get(EDITIONS, edition.edition_id)
    if known is not None and known.version >= edition.version:
        return ()
    documents.put(EDITIONS, edition.edition_id, edition)
    sessions = {session.session_id: session for session in (*(known.sessions if known else ()), *edition.sessions)}
    held = {session.session_id for session in edition.sessions if session.state != "cancelled"}
    for session_id, session in sessions.items():
        off = edition.state == "cancelled" or session_id not in held
        meeting = documents.get(MEETINGS, meeting_id(edition.edition_id, session_id)) or Meeting()
        after = replace(meeting, session=session, called_off=off)
        _keep(meeting_id(edition.edition_id, session_id), meeting, after, documents, _origin(event), now)
    return ()


def keep_link(event: CloudEvent[JoiningDetailsPublished], documents: Documents, now: datetime) -> Sequence[Tell]:
    """Keep a session's newest meeting link and let it reach the session's invitations."""
    joining = event.data
    session = meeting_id(joining.edition_id, joining.session_id)
    meeting = documents.get(MEETINGS, session) or Meeting()
    if joining.version > meeting.link_version:
        after = replace(meeting, join_url=joining.join_url, link_version=joining.version)
        _keep(session, meeting, after, documents, _origin(event), now)
    return ()


def _keep(session: str, before: Meeting, after: Meeting, documents: Documents, origin: Origin, now: datetime) -> None:
    """Keep a session; where its details changed, refresh its invitations.

    All of them are written, also those that stay as they are: one that a sender claims meanwhile with the old details
    makes this a conflict, and is seen as `sending` when it is decided again.
    """
    documents.put(MEETINGS, session, after)
    if before.details == after.details or not after.invited:
        return
    for id, invitation in documents.first(OF_SESSION, session, after.invited).members:
        documents.put(INVITATIONS, id, refreshed(invitation, after, origin, now))


def _origin(event: CloudEvent[Any]) -> Origin:
    """Return the intake event that an event goes back to: the one it names, else itself."""
    if event.correlationid and event.correlationsource:
        return Origin(event.correlationid, event.correlationsource, event.traceparent)
    return Origin(event.id, event.source, event.traceparent)
