"""A session as its invitations need it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256

from instroom_contracts.catalog import Session
from instroom_contracts.origin import Origin


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
