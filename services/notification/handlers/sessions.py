"""What the catalogue tells of editions, sessions and their meeting links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from chassis.documents import Documents
from chassis.handling import Tell
from instroom_contracts.catalog import EditionPublished, JoiningDetailsPublished
from instroom_contracts.cloudevent import CloudEvent
from instroom_contracts.origin import origin_of
from services.notification.domain.meeting import Meeting
from services.notification.storage.kinds import EDITIONS, MEETINGS, meeting_id


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
    after = meeting.after(replace(meeting, **changes), origin_of(event), now)
    if after != meeting:
        documents.put(MEETINGS, id, after)
