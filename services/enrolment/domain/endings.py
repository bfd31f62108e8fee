"""Sessions that do not take place: whoever has a place there, or waits for one, gives it up, a portion at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from instroom_contracts.enrolment import Cause
from services.enrolment.domain import decision as deciding
from services.enrolment.domain import facts
from services.enrolment.domain.availability import tell_again_offered
from services.enrolment.domain.decision import Decision
from services.enrolment.domain.edition import Edition
from services.enrolment.domain.transitions import release
from services.enrolment.domain.values import Enrolment, Place
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
            ended = [_end(decision, member, off, edition) for member in _party(decision, enrolment)]
            left -= len(ended)
            parties += ended
        whole = whole and complete
    serve_after(decision, parties)
    return whole


def _holders(decision: Decision, edition: Edition, session_id: str, most: int) -> tuple[list[Enrolment], bool]:
    """Return some who hold a place in a session, one of each party; and whether there are no others."""
    count = decision.register.count((edition.id, session_id))
    if not count.confirmed and not count.queued:
        return [], True
    if most <= 0:
        return [], False
    found, complete = decision.register.holders((edition.id, session_id), deciding.PORTION)
    mains = dict.fromkeys(one.main_id or one.id for one in found)
    return [one for id in [*mains][:most] if (one := decision.register.enrolment(id))], complete and len(mains) <= most


def _party(decision: Decision, main: Enrolment) -> Iterator[Enrolment]:
    yield main
    yield from (one for id in main.companion_ids if (one := decision.register.enrolment(id)))


def _end(decision: Decision, enrolment: Enrolment, off: frozenset[str], edition: Edition) -> Enrolment:
    """Have one enrolment give up its places in these sessions; who waited for one gets a mail that it is off.

    Who was invited hears of it by the invitation that is withdrawn.
    """
    leaving = [place for place in enrolment.places if place.state != "released" and place.session_id in off]
    if not leaving:
        return enrolment
    cause: Cause = "edition-cancelled" if edition.cancelled else "session-cancelled"
    ended = release(decision, enrolment, off, cause)
    queued = {place.session_id for place in leaving if place.state == "queued"}
    waited = {place.session_id: place for place in ended.places if place.session_id in queued}
    _tell_who_waited(decision, ended, [*waited.values()], edition)
    return ended


def _tell_who_waited(decision: Decision, enrolment: Enrolment, places: list[Place], edition: Edition) -> None:
    """Ask for the mail; not about what had begun: that is over, whatever the catalogue says of it now."""
    coming = [place for place in places if not edition.begun(place.session_id, decision.moment)]
    if coming:
        decision.told.append(facts.called_off_notice(enrolment, coming))
