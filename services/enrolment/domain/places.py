"""Giving a party its places: in each session all of it is confirmed together or queues together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.enrolment.domain import facts
from services.enrolment.domain.decision import Decision
from services.enrolment.domain.edition import Session
from services.enrolment.domain.facts import Positions
from services.enrolment.domain.promotion import is_behind, serve
from services.enrolment.domain.request import Member, Request
from services.enrolment.domain.sentences import Refused
from services.enrolment.domain.values import Enrolment, Live, Place, PlaceState, Pool, Turn, state_of


@dataclass(frozen=True, slots=True)
class Seating:
    """How a party fares in one session: how many of it come, and whether there are seats for all of them."""

    session: Session
    size: int
    confirmed: bool


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
    positions: Positions = {}
    places = [_give(decision, request, seating, positions) for seating in seatings]
    party = [_enrolment(decision, request, number, places) for number in range(len(request.party))]
    _tell(decision, party, positions)
    return None


def _seatings(decision: Decision, request: Request) -> list[Seating]:
    """Look for seats, session by session; sessions that share a pool draw on the same ones."""
    free: dict[str, int] = {}
    seatings = []
    for session in request.attending:
        size = request.size(session.id)
        left = free.get(session.pool)
        left = _pool(decision, session).free if left is None else left
        confirmed = size <= left and not is_behind(decision, session.pool)
        free[session.pool] = left - size if confirmed else left
        seatings.append(Seating(session, size, confirmed))
    if request.asked.all_or_nothing and not all(seating.confirmed for seating in seatings):
        return [Seating(seating.session, seating.size, confirmed=False) for seating in seatings]
    return seatings


def _pool(decision: Decision, session: Session) -> Pool:
    """Return a session's pool; one that nobody has drawn on yet is as the session offers it."""
    return decision.register.pool(session.pool) or Pool(
        session.pool, session.capacity, session.capacity, sessions=(session.key,)
    )


def _full_queue(decision: Decision, request: Request, seatings: Sequence[Seating]) -> Refused | None:
    """Refuse where a list has no room; named last is one beside free seats, which all or nothing would wait for too."""
    full = [seating.session for seating in seatings if not seating.confirmed and not _may_queue(decision, seating)]
    together = request.asked.all_or_nothing
    if seatless := [one for one in full if not (together and _has_seats(decision, one, request))]:
        return Refused("queue-full", words={"session": seatless[0].title})
    return Refused("queue-full", "together", {"session": full[0].title}) if full else None


def _may_queue(decision: Decision, seating: Seating) -> bool:
    limit = seating.session.queue_limit
    return limit is None or decision.register.count(seating.session.key).queued + seating.size <= limit


def _has_seats(decision: Decision, session: Session, request: Request) -> bool:
    return request.size(session.id) <= _pool(decision, session).free and not is_behind(decision, session.pool)


def _give(decision: Decision, request: Request, seating: Seating, positions: Positions) -> tuple[Place | None, ...]:
    """Give the party its seats or its turn in one session; returns each member's place, None for who does not come."""
    session, size = seating.session, seating.size
    before = _pool(decision, session)
    pool = before.take(size) if seating.confirmed else before.queue(decision.number)
    decision.change_pool(before, pool)
    if not seating.confirmed:
        decision.register.keep_turn(Turn(*session.key, request.id, pool.last, size))
        positions[session.id] = pool.waiting
    count = decision.register.count(session.key)
    confirmed, queued, waiting = (size, 0, 0) if seating.confirmed else (0, size, 1)
    decision.register.keep_count(count.change(confirmed=confirmed, queued=queued, waiting=waiting, facts=size))
    return _places(request.party, seating, count.version)


def _places(party: Sequence[Member], seating: Seating, version: int) -> tuple[Place | None, ...]:
    session = seating.session
    state: PlaceState = "confirmed" if seating.confirmed else "queued"
    places: list[Place | None] = []
    for member in party:
        if session.id in member.session_ids:
            version += 1
            places.append(Place(session.id, state, session.required, version))
        else:
            places.append(None)
    return tuple(places)


def _enrolment(
    decision: Decision, request: Request, number: int, places: Sequence[Sequence[Place | None]]
) -> Enrolment:
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
    )
    decision.register.keep_enrolment(enrolment)
    decision.register.keep_live(member.key, Live(member.id, request.source))
    return enrolment


def _tell(decision: Decision, party: Sequence[Enrolment], positions: Positions) -> None:
    decision.told.append(facts.decided(party, positions))
    for enrolment in party:
        for place in enrolment.places:
            if place.state == "confirmed":
                decision.told.append(facts.invitation(enrolment, place, "REQUEST", "enrolment", decision.moment))
        if any(place.state == "queued" for place in enrolment.places):
            decision.told.append(facts.waiting_notice(enrolment, positions))
