"""A letter: what is mailed, of whatever kind."""

from __future__ import annotations

from services.notification.domain.invitation import Invitation
from services.notification.domain.notice import Notice

Letter = Invitation | Notice


def ids_of(letter: Letter) -> dict[str, str]:
    """Return what a log may say of a letter: ids only."""
    if isinstance(letter, Notice):
        return {"invite_id": letter.id}
    return {"invite_id": letter.mail.invite_id, "session_id": letter.session_id, "edition_id": letter.edition_id}
