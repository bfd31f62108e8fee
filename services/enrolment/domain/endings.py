"""Sessions that do not take place: whoever has a place there, or waits for one, gives it up, a portion at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from services.enrolment.domain import decision as deciding
from services.enrolment.domain.availability import tell_again_offered
from services.enrolment.domain.decision import Decision
from services.enrolment.domain.edition import Edition
from services.enrolment.domain.enrolment import Enrolment
from services.enrolment.domain.register import count_of
from services.enrolment.domain.transitions import call_off
from services.enrolment.domain.withdrawal import serve_after


def called_off(before: Edition | None, edition: Edition) -> tuple[str, ...]:
    """Return the sessions (ids) that do not take place: cancelled, left out since `before`, or all of the edition."""
    ids = dict.fromkeys([*(before.sessions if before else ()), *edition.sessions])
    return tuple(id for id in ids if not edition.goes_ahead(id))


def tell_reinstated(decision: Decision, before: Edition | None, edition: Edition) -> None:
    """Tell how those sessions stand that were called off and go ahead after all; nobody is put back into them."""
    for id, session in edition.sessions.items():
        if before and id in before.sessions and not before.goes_ahead(id) and edition.goes_ahead(id):
            tell_again_offered(decision, session)


def end_places(decision: Decision, edition: Edition, session_ids: Iterable[str]) -> bool:
    """End the places in those of these sessions that do not take place as things stand; False where some are left.

    Whole parties leave, and what they give back goes to who waits for it, in the same decision.
    """
    off = frozenset(id for id in session_ids if not edition.goes_ahead(id))
    parties: list[Enrolment] = []
    left = deciding.PORTION
    whole = True
    for id in sorted(off):
        holders, complete = _holders(decision, edition, id, left)
        for enrolment in holders:
            ended = [call_off(decision, member, off, edition) for member in _party(decision, enrolment)]
            left -= len(ended)
            parties += ended
        whole = whole and complete
    serve_after(decision, parties)
    return whole


def _holders(decision: Decision, edition: Edition, session_id: str, most: int) -> tuple[list[Enrolment], bool]:
    """Return some who hold a place in a session, one of each party; and whether there are no others."""
    count = count_of(decision.register, (edition.id, session_id))
    if not count.confirmed and not count.queued:
        return [], True
    if most <= 0:
        return [], False
    found, complete = decision.register.holders((edition.id, session_id), deciding.PORTION)
    mains = dict.fromkeys(one.main_id or one.id for one in found)
    enrolments = decision.register.enrolments
    return [one for id in [*mains][:most] if (one := enrolments.get(id))], complete and len(mains) <= most


def _party(decision: Decision, main: Enrolment) -> Iterator[Enrolment]:
    yield main
    yield from (one for id in main.companion_ids if (one := decision.register.enrolments.get(id)))
