"""An edition as the rules read it: worked out once per version, so that a request only has to look things up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from unicodedata import normalize

from instroom_contracts import catalog
from instroom_contracts.visible import visible
from services.enrolment.domain.ids import SessionKey

Restriction = Literal["role", "organisation", "region", "region-missing"]
"""By which kind of restriction somebody falls outside an audience."""

LAST_MINUTE = (23, 59)
_SAME_SIGN = str.maketrans(
    dict.fromkeys("\u0060\u00b4\u02b9\u02bb\u02bc\u02bd\u02c8\u2018\u2019\u201b\u2032\u055a\ua78c\uff07", "'")
    | dict.fromkeys("\u02d7\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d", "-")
)
"""What is typed, or set by a word processor, for an apostrophe and for a hyphen."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What an audience looks at in a participant, in the form in which it is compared."""

    role: str
    organisation: str
    region: str | None


@dataclass(frozen=True, slots=True)
class Audience:
    """Who may attend; an empty set restricts nothing."""

    roles: frozenset[str]
    organisations: frozenset[str]
    regions: frozenset[str]

    def excludes(self, profile: Profile) -> Restriction | None:
        """Return the restriction that keeps this participant out, or None where they are welcome."""
        if self.roles and profile.role not in self.roles:
            return "role"
        if self.organisations and profile.organisation not in self.organisations:
            return "organisation"
        if self.regions and profile.region not in self.regions:
            return "region" if profile.region else "region-missing"
        return None


@dataclass(frozen=True, slots=True)
class Prerequisite:
    """The sessions that must be attended too, and the roles that need not."""

    session_ids: tuple[str, ...]
    exempt_roles: frozenset[str]


@dataclass(frozen=True, slots=True)
class Session:
    """A session with what follows from its edition: `clashes` are the ids of sessions at the same time."""

    id: str
    key: SessionKey
    title: str
    required: bool
    cancelled: bool
    starts_at: datetime | None
    pool: str
    capacity: int | None
    queue_limit: int | None
    audience: Audience | None
    companion: str
    prerequisite: Prerequisite | None
    clashes: frozenset[str]

    def begun(self, moment: datetime) -> bool:
        """Say whether the session has begun; one without a date has not."""
        return self.starts_at is not None and self.starts_at <= moment

    def excludes(self, profile: Profile) -> Restriction | None:
        """Return what keeps this participant out of this session in particular."""
        return self.audience.excludes(profile) if self.audience else None


@dataclass(frozen=True, slots=True, eq=False)
class Edition:
    """An edition as published, and what the rules ask of it.

    `closed_from` is the first instant after the deadline; `everyone` and `choosable` are the sessions that go ahead, by
    their attendance.
    """

    published: catalog.EditionPublished
    id: str
    version: int
    closed_from: datetime | None
    deadline_text: str
    audience: Audience
    minimum: int
    maximum: int
    sessions: dict[str, Session]
    everyone: tuple[Session, ...]
    choosable: dict[str, Session]

    @classmethod
    def of(cls, published: catalog.EditionPublished) -> Edition:
        """Work out what the rules need from an edition as published."""
        sessions = {part.session_id: _session(part, published) for part in published.sessions}
        going_ahead = [session for session in sessions.values() if not session.cancelled]
        deadline = published.deadline
        return cls(
            published=published,
            id=published.edition_id,
            version=published.version,
            closed_from=_after(deadline.at) if deadline else None,
            deadline_text=deadline.text if deadline else "",
            audience=_audience(published.audience),
            minimum=published.choice.minimum,
            maximum=published.choice.maximum,
            sessions=sessions,
            everyone=tuple(session for session in going_ahead if session.required),
            choosable={session.id: session for session in going_ahead if not session.required},
        )

    @property
    def cancelled(self) -> bool:
        """Say whether nothing of the edition takes place."""
        return self.published.state == "cancelled"

    def goes_ahead(self, session_id: str) -> bool:
        """Say whether this session goes ahead: it exists, and neither it nor the edition is cancelled."""
        session = self.sessions.get(session_id)
        return session is not None and not session.cancelled and not self.cancelled

    def begun(self, session_id: str, moment: datetime) -> bool:
        """Say whether this session has begun."""
        session = self.sessions.get(session_id)
        return session is not None and session.begun(moment)

    def offers(self, session_id: str, moment: datetime) -> bool:
        """Say whether places in this session can still be given: it goes ahead and has not begun."""
        return self.goes_ahead(session_id) and not self.sessions[session_id].begun(moment)

    def pool_of(self, session_id: str) -> str:
        """Return the id of the pool that a session takes its seats from; one that is no longer in here, its own."""
        session = self.sessions.get(session_id)
        return session.pool if session else own_pool(self.id, session_id)


def own_pool(edition_id: str, session_id: str) -> str:
    """Return the id of the pool of a session that shares its seats with no other."""
    return f"{edition_id}/{session_id}"


def pool_of(session: catalog.Session, edition: catalog.Edition) -> str:
    """Return the id of the pool that a session takes its seats from: its own, or one of its provider.

    No id holds a colon or a slash, so no pool is another's: of another provider, or a session's own.
    """
    if session.pool is None:
        return own_pool(edition.edition_id, session.session_id)
    return f"{edition.provider}:{session.pool}"


def comparable(text: str) -> str:
    """Return a role, organisation or region in the form in which it is compared.

    Without case, width and composition (NFKC), with one apostrophe, one hyphen and single spaces: `Súdwest-Fryslân` and
    `'s-Hertogenbosch` are spelt in a dozen ways that look the same.
    """
    folded = normalize("NFKC", visible(text).translate(_SAME_SIGN)).casefold()
    return " ".join(normalize("NFKC", folded).split())


def _after(deadline: datetime) -> datetime:
    """Return the first instant after a deadline, which belongs to it in full as far as it was written.

    Written to the millisecond (WIRE: 23:59:59.999) that is the next one, to the second the next second; whoever writes
    the last minute of a day means the end of that day.
    """
    if (deadline.hour, deadline.minute) == LAST_MINUTE:
        return deadline.replace(second=0, microsecond=0) + timedelta(minutes=1)
    return deadline + timedelta(**{"milliseconds" if deadline.microsecond else "seconds": 1})


def _session(part: catalog.Session, published: catalog.EditionPublished) -> Session:
    key = (published.edition_id, part.session_id)
    return Session(
        id=part.session_id,
        key=key,
        title=part.title,
        required=part.attendance == "everyone",
        cancelled=part.state == "cancelled",
        starts_at=part.starts_at,
        pool=pool_of(part, published),
        capacity=part.capacity,
        queue_limit=part.queue_limit,
        audience=_audience(part.audience) if part.audience else None,
        companion=part.companion,
        prerequisite=_prerequisite(part.prerequisite) if part.prerequisite else None,
        clashes=frozenset(other.session_id for other in published.sessions if _overlap(part, other)),
    )


def _audience(audience: catalog.Audience) -> Audience:
    return Audience(_set(audience.roles), _set(audience.organisations), _set(audience.regions))


def _prerequisite(prerequisite: catalog.Prerequisite) -> Prerequisite:
    return Prerequisite(prerequisite.session_ids, _set(prerequisite.exempt_roles))


def _set(texts: tuple[str, ...]) -> frozenset[str]:
    return frozenset(comparable(text) for text in texts)


def _overlap(one: catalog.Session, other: catalog.Session) -> bool:
    """Say whether two sessions share time; end to start is no clash, and without a date nothing is."""
    if one is other or one.starts_at is None or other.starts_at is None:
        return False
    one_ends, other_ends = one.ends_at or one.starts_at, other.ends_at or other.starts_at
    return one.starts_at < other_ends and other.starts_at < one_ends
