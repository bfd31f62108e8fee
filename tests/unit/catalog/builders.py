"""Editions to change one thing in, and the entries that they become."""

from __future__ import annotations

from datetime import date, time
from typing import Any

from instroom_contracts.catalog import Edition, EditionSubmitted, JoiningLink, Session
from services.catalog.domain import Entry, local, revise

LINK = "https://meet.example.org/werksessie"


def session(id: str = "werksessie", **changes: Any) -> Session:
    """Build an online session of 25 May 2021, for everyone."""
    day = date(2021, 5, 25)
    plain: dict[str, Any] = {
        "session_id": id,
        "title": "Werksessie",
        "attendance": "everyone",
        "form": "online",
        "starts_at": local(day, time(14)),
        "ends_at": local(day, time(15, 30)),
    }
    return Session.model_validate({**plain, **changes})


def edition(*sessions: Session, **changes: Any) -> Edition:
    """Build an open edition of these sessions."""
    plain: dict[str, Any] = {
        "edition_id": "voorbeeld-2021",
        "programme_id": "voorbeeld",
        "provider": "aanbieder",
        "title": "Een voorbeeld",
        "kind": "open",
        "state": "open",
        "sessions": sessions or (session(),),
    }
    return Edition.model_validate({**plain, **changes})


def submitted(*sessions: Session, link: str | None = LINK, **changes: Any) -> EditionSubmitted:
    """Build what a file would hand in: an edition, with a link for its first session unless that is None."""
    handed_in = edition(*sessions, **changes)
    joining = (JoiningLink(session_id=handed_in.sessions[0].session_id, join_url=link),) if link else ()
    return EditionSubmitted(edition=handed_in, joining=joining)


def entry(*sessions: Session, **changes: Any) -> Entry:
    """Build the entry that a first submission makes."""
    return revise(None, submitted(*sessions, **changes))[0]
