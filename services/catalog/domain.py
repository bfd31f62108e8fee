"""What the catalogue decides: what changed in an edition, which version that makes, and when a Dutch hour is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timezone
from zoneinfo import ZoneInfo

from instroom_contracts.catalog import (
    Edition,
    EditionCancelled,
    EditionPublished,
    EditionSubmitted,
    JoiningDetailsPublished,
    Session,
    SessionCancelled,
    SessionRescheduled,
)
from instroom_contracts.cloudevent import EventData

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
MOST_SESSIONS = 200
"""How many sessions the contract lets an edition have."""
LAST_MOMENT = time(23, 59, 59, 999000)


@dataclass(frozen=True)
class Entry:
    """One edition in the catalogue: as last published, and the meeting links as last told.

    A link has a version of its own, so that a new link alone gives the edition no new version.
    """

    edition: EditionPublished
    joining: tuple[JoiningDetailsPublished, ...] = ()


def revise(entry: Entry | None, submitted: EditionSubmitted) -> tuple[Entry, tuple[EventData, ...]]:
    """Lay a submitted edition beside the one in the catalogue: return the entry to keep and the facts to tell.

    A session that is no longer submitted is cancelled, and stays in the edition as such while there is room for it.
    What is submitted unchanged makes no facts.
    """
    before = entry.edition if entry else None
    edition = _edition(before, submitted.edition)
    joining = _joining(entry.joining if entry else (), submitted)
    links = tuple(details for details in joining if entry is None or details not in entry.joining)
    return Entry(edition, joining), (*_facts(before, edition), *links)


def local(day: date, at: time) -> datetime:
    """Return the instant of an hour in the Netherlands, with the offset of winter or summer time.

    An hour that occurs twice is the first one. Raises `ValueError` for an hour that the clock skips.
    """
    wall = datetime.combine(day, at)
    offset = wall.replace(tzinfo=AMSTERDAM).utcoffset()
    moment = wall.replace(tzinfo=timezone(offset) if offset is not None else UTC)
    if moment.astimezone(AMSTERDAM).replace(tzinfo=None) != wall:
        raise ValueError(f"The clock skips {at:%H:%M} on {day} (summer time begins): take another hour.")
    return moment


def end_of(day: date) -> datetime:
    """Return the last millisecond of a day in the Netherlands, as WIRE writes deadlines."""
    return local(day, LAST_MOMENT)


def _edition(before: EditionPublished | None, submitted: Edition) -> EditionPublished:
    if before is None:
        return EditionPublished(**dict(submitted), version=1)
    told = _gone(before, submitted, "cancelled")
    gone = tuple(_cancelled(session) for session in _gone(before, submitted, "planned"))
    room = max(0, MOST_SESSIONS - len(submitted.sessions) - len(gone))
    content = {**dict(submitted), "sessions": submitted.sessions + told[max(0, len(told) - room) :] + gone}
    if (after := EditionPublished(**content, version=before.version)) == before:
        return before
    return after.model_copy(update={"version": before.version + 1})


def _gone(before: EditionPublished, submitted: Edition, state: str) -> tuple[Session, ...]:
    """Return the sessions in this state that are no longer submitted.

    Those that were told as cancelled leave the edition where it has no room for them: nobody has a place there.
    """
    kept = {session.session_id for session in submitted.sessions}
    return tuple(one for one in before.sessions if one.session_id not in kept and one.state == state)


def overcrowded(entry: Entry | None, submitted: EditionSubmitted) -> int:
    """Return how many sessions an edition would have, with those yet to be told as cancelled, if too many; else 0."""
    gone = len(_gone(entry.edition, submitted.edition, "planned")) if entry else 0
    sessions = len(submitted.edition.sessions) + gone
    return sessions if sessions > MOST_SESSIONS else 0


def _cancelled(session: Session) -> Session:
    return session.model_copy(update={"state": "cancelled"})


def _facts(before: EditionPublished | None, after: EditionPublished) -> Iterator[EventData]:
    """Tell the edition first, so that whoever hears of a new time can look it up."""
    if after == before:
        return
    yield after
    if before is None:
        return
    if after.state == "cancelled" != before.state:
        yield EditionCancelled(edition_id=after.edition_id, version=after.version)
    earlier = {session.session_id: session for session in before.sessions}
    for session in after.sessions:
        if session.session_id in earlier:
            yield from _session_facts(after, earlier[session.session_id], session)


def _session_facts(edition: EditionPublished, before: Session, after: Session) -> Iterator[EventData]:
    if after.state == "cancelled" != before.state:
        yield SessionCancelled(
            edition_id=edition.edition_id,
            session_id=after.session_id,
            version=edition.version,
            old_starts_at=before.starts_at,
            old_ends_at=before.ends_at,
        )
    elif after.state == "planned" and (after.starts_at, after.ends_at) != (before.starts_at, before.ends_at):
        yield SessionRescheduled(
            edition_id=edition.edition_id,
            session_id=after.session_id,
            version=edition.version,
            old_starts_at=before.starts_at,
            old_ends_at=before.ends_at,
            new_starts_at=after.starts_at,
            new_ends_at=after.ends_at,
        )


def _joining(
    known: tuple[JoiningDetailsPublished, ...], submitted: EditionSubmitted
) -> tuple[JoiningDetailsPublished, ...]:
    """Return the links of an edition's sessions; one that is no longer submitted is withdrawn, which is None."""
    earlier = {details.session_id: details for details in known}
    links: Mapping[str, str] = {link.session_id: link.join_url for link in submitted.joining}
    return tuple(_link(submitted.edition.edition_id, id, earlier.get(id), links.get(id)) for id in {**earlier, **links})


def _link(
    edition_id: str, session_id: str, before: JoiningDetailsPublished | None, join_url: str | None
) -> JoiningDetailsPublished:
    if before is not None and before.join_url == join_url:
        return before
    version = before.version + 1 if before else 1
    return JoiningDetailsPublished(edition_id=edition_id, session_id=session_id, version=version, join_url=join_url)
