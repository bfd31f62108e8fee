"""Giving a party its places: in each session all of it is confirmed together or queues together."""

from __future__ import annotations

from collections.abc import Sequence

from services.enrolment.domain import facts
from services.enrolment.domain.decision import Decision
from services.enrolment.domain.edition import Session
from services.enrolment.domain.enrolment import Enrolment, state_of
from services.enrolment.domain.facts import Admissions
from services.enrolment.domain.promotion import is_behind, serve
from services.enrolment.domain.register import count_of
from services.enrolment.domain.request import Request
from services.enrolment.domain.sentences import Refused
from services.enrolment.domain.transitions import Places, Seating, admit, enter, pool_of


def enrol(decision: Decision, request: Request) -> Refused | None:
    """Enrol a party to which no rule objects, and tell it.

    Who waits already comes first: a request from before a session's start may find seats that were freed after it.
    Returns `queue-full` where a waiting list has no room for the party.
    """
    for session in request.attending:
        if not is_behind(decision, session.pool):
            serve(decision, session.pool)
    seatings = _seatings(decision, request)
    if refused := _full_queue(decision, request, seatings):
        return refused
    given = [admit(decision, request.id, request.party, seating) for seating in seatings]
    places = [in_session for in_session, _ in given]
    admissions = {seating.session.id: admitted for seating, (_, admitted) in zip(seatings, given, strict=True)}
    party = [_enrolment(decision, request, number, places) for number in range(len(request.party))]
    decision.told.append(facts.decided(party, admissions, request.edition.published.price))
    _have_mailed(decision, party, admissions)
    return None


def _seatings(decision: Decision, request: Request) -> list[Seating]:
    """Look for seats, session by session; sessions that share a pool draw on the same ones."""
    free: dict[str, int] = {}
    seatings = []
    for session in request.attending:
        size = request.size(session.id)
        left = free.get(session.pool)
        left = pool_of(decision, session).free if left is None else left
        confirmed = size <= left and not is_behind(decision, session.pool)
        free[session.pool] = left - size if confirmed else left
        seatings.append(Seating(session, size, confirmed))
    if request.asked.all_or_nothing and not all(seating.confirmed for seating in seatings):
        return [Seating(seating.session, seating.size, confirmed=False) for seating in seatings]
    return seatings


def _full_queue(decision: Decision, request: Request, seatings: Sequence[Seating]) -> Refused | None:
    """Refuse where a list has no room; named last is one beside free seats, which all or nothing would wait for too."""
    full = [seating.session for seating in seatings if not seating.confirmed and not _may_queue(decision, seating)]
    together = request.asked.all_or_nothing
    if seatless := [one for one in full if not (together and _has_seats(decision, one, request))]:
        return Refused("queue-full", words={"session": seatless[0].title})
    return Refused("queue-full", "together", {"session": full[0].title}) if full else None


def _may_queue(decision: Decision, seating: Seating) -> bool:
    limit = seating.session.queue_limit
    return limit is None or count_of(decision.register, seating.session.key).queued + seating.size <= limit


def _has_seats(decision: Decision, session: Session, request: Request) -> bool:
    return request.size(session.id) <= pool_of(decision, session).free and not is_behind(decision, session.pool)


def _enrolment(decision: Decision, request: Request, number: int, places: Sequence[Places]) -> Enrolment:
    """Keep the enrolment of a member of the party (0 is the participant), with their place in each session."""
    member = request.party[number]
    own = tuple([place for in_session in places if (place := in_session[number])])
    enrolment = Enrolment(
        id=member.id,
        edition_id=request.edition.id,
        source=request.source,
        request_id=request.event_id,
        participant=member.participant,
        state=state_of(own),
        all_or_nothing=request.asked.all_or_nothing,
        places=own,
        asked_at=request.moment,
        main_id=request.id if number else None,
        companion_ids=() if number else tuple(companion.id for companion in request.party[1:]),
        answers={} if number else request.asked.answers,
        invoice_reference=request.asked.invoice.reference if request.asked.invoice and not number else None,
    )
    enter(decision, enrolment)
    return enrolment


def _have_mailed(decision: Decision, party: Sequence[Enrolment], admissions: Admissions) -> None:
    for enrolment in party:
        for place in enrolment.places:
            if place.state == "confirmed":
                decision.told.append(facts.invitation(enrolment, place, "REQUEST", "enrolment", decision.moment))
        if any(place.state == "queued" for place in enrolment.places):
            decision.told.append(facts.waiting_notice(enrolment, admissions))
