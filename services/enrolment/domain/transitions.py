"""Where a place changes: pool, turn, count, place and enrolment together, and the fact and the mail that tell of it.

Who fits where, who comes first and why somebody leaves is decided elsewhere; nothing else writes any of these, and a
test holds that (tests/unit/enrolment/domain/test_transitions.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from instroom_contracts.enrolment import Cause, PlaceConfirmed, PlaceReleased
from services.enrolment.domain import facts
from services.enrolment.domain.decision import Decision
from services.enrolment.domain.edition import Edition, Session
from services.enrolment.domain.enrolment import Enrolment, Live, Place, PlaceState, state_of
from services.enrolment.domain.facts import Admitted
from services.enrolment.domain.ids import SessionKey, participant_key, turn_id
from services.enrolment.domain.register import Register, count_of
from services.enrolment.domain.request import Member
from services.enrolment.domain.seats import UNLIMITED, Pool, SessionCount, Turn

Places = tuple[Place | None, ...]
"""The place of each member of a party in one session; None for who does not come there."""


@dataclass(frozen=True, slots=True)
class Seating:
    """How a party fares in one session: how many of it come, and whether there are seats for all of them."""

    session: Session
    size: int
    confirmed: bool


def admit(decision: Decision, party_id: str, party: Sequence[Member], seating: Seating) -> tuple[Places, Admitted]:
    """Give a party its seats or its turn in one session; return its places, and how it came to them."""
    session, size = seating.session, seating.size
    before = pool_of(decision, session)
    pool = before.take(size) if seating.confirmed else before.queue(decision.number)
    decision.change_pool(before, pool)
    if not seating.confirmed:
        decision.register.turns.keep(Turn(session.key, pool.last, party_id, size))
    count = count_of(decision.register, session.key)
    confirmed, queued, waiting = (size, 0, 0) if seating.confirmed else (0, size, 1)
    decision.register.counts.keep(count.change(confirmed=confirmed, queued=queued, waiting=waiting, facts=size))
    return _places(party, seating, count.version), Admitted(None if seating.confirmed else pool.waiting, count)


def pool_of(decision: Decision, session: Session) -> Pool:
    """Return a session's pool; one that nobody has drawn on yet is as the session offers it."""
    return decision.register.pools.get(session.pool) or Pool(
        session.pool, session.capacity, session.capacity, sessions=(session.key,)
    )


def _places(party: Sequence[Member], seating: Seating, version: int) -> Places:
    session = seating.session
    state: PlaceState = "confirmed" if seating.confirmed else "queued"
    places: list[Place | None] = []
    for member in party:
        comes = session.id in member.session_ids
        version += comes
        places.append(Place(session.id, state, session.required, version) if comes else None)
    return tuple(places)


def enter(decision: Decision, enrolment: Enrolment) -> None:
    """Keep a new enrolment, with the places that it was given, as the live one of its participant."""
    decision.register.enrolments.keep(enrolment)
    decision.register.live.keep(Live(_key(enrolment), enrolment.id, enrolment.source))


def promote(decision: Decision, main: Enrolment, turn: Turn) -> None:
    """Turn a party's waiting into seats in one session, and tell each of its members."""
    register = decision.register
    pool = register.pools.get(decision.pool_id(turn.session))
    if pool is None:
        return
    decision.change_pool(pool, pool.promote(turn.seats))
    register.turns.remove(turn.id)
    register.counts.keep(count_of(register, turn.session).change(waiting=-1, facts=0))
    for enrolment in (main, *(register.enrolments.get(id) for id in main.companion_ids)):
        place = enrolment.place(turn.session_id) if enrolment else None
        if enrolment and place:
            _confirm(decision, enrolment, place)


def _confirm(decision: Decision, enrolment: Enrolment, place: Place) -> None:
    register = decision.register
    count = count_of(register, (enrolment.edition_id, place.session_id)).change(confirmed=1, queued=-1)
    register.counts.keep(count)
    seated = replace(place, state="confirmed", version=count.version)
    places = tuple(seated if other is place else other for other in enrolment.places)
    enrolment = replace(enrolment, places=places, state=state_of(places))
    register.enrolments.keep(enrolment)
    decision.told.append(facts.place(PlaceConfirmed, enrolment, seated, count, "promotion"))
    decision.told.append(facts.invitation(enrolment, seated, "REQUEST", "promotion", decision.moment))


def release(decision: Decision, enrolment: Enrolment, session_ids: Collection[str], cause: Cause) -> Enrolment:
    """Give back an enrolment's places in these sessions, and end it where it has none left."""
    held = [place for place in enrolment.places if place.state != "released"]
    staying = tuple(place for place in held if place.session_id not in session_ids)
    ended = replace(enrolment, state=state_of(staying))
    if not staying:
        decision.told.append(facts.cancelled(enrolment, cause))
        if is_live(enrolment, decision.register):
            decision.register.live.remove(_key(enrolment))
    places = tuple(
        place if place in staying else _released(decision, ended, place, cause) for place in enrolment.places
    )
    ended = replace(ended, places=places)
    decision.register.enrolments.keep(ended)
    return ended


def withdraw_again(decision: Decision, enrolment: Enrolment, cause: Cause) -> None:
    """Ask for the withdrawal of whatever seats an enrolment gave up, whether it was asked for or not; keep it as it is.

    The sequence of a place rose with that; of one that was a turn it did not, and nobody was invited to it.
    """
    seats = (place for place in enrolment.places if place.state == "released" and place.sequence)
    decision.told += [facts.invitation(enrolment, place, "CANCEL", cause, decision.moment) for place in seats]
    decision.register.enrolments.keep(enrolment)


def call_off(decision: Decision, enrolment: Enrolment, session_ids: Collection[str], edition: Edition) -> Enrolment:
    """Have an enrolment give up its places in sessions that are off; who waited for one gets a mail that it is off.

    Who was invited hears of it by the invitation that is withdrawn.
    """
    leaving = [place for place in enrolment.places if place.state != "released" and place.session_id in session_ids]
    if not leaving:
        return enrolment
    ended = release(decision, enrolment, session_ids, "edition-cancelled" if edition.cancelled else "session-cancelled")
    queued = {place.session_id for place in leaving if place.state == "queued"}
    waited = {place.session_id: place for place in ended.places if place.session_id in queued}
    _tell_who_waited(decision, ended, [*waited.values()], edition)
    return ended


def _tell_who_waited(decision: Decision, enrolment: Enrolment, places: list[Place], edition: Edition) -> None:
    """Ask for the mail; not about what had begun: that is over, whatever the catalogue says of it now."""
    coming = [place for place in places if not edition.begun(place.session_id, decision.moment)]
    if coming:
        decision.told.append(facts.called_off_notice(enrolment, coming))


def is_live(enrolment: Enrolment, register: Register) -> bool:
    """Say whether an enrolment is registered as the live one of its participant."""
    live = register.live.get(_key(enrolment))
    return live is not None and live.enrolment_id == enrolment.id


def _key(enrolment: Enrolment) -> str:
    return participant_key(enrolment.edition_id, enrolment.participant)


def _released(decision: Decision, enrolment: Enrolment, place: Place, cause: Cause) -> Place:
    """Give back one seat or turn, tell it, and ask for the withdrawal of its calendar entry.

    It is asked for whatever became of the session: notification must know that the place is gone, and decides itself
    whether there is something to withdraw.
    """
    if place.state == "released":
        return place
    seated = place.state == "confirmed"
    (_return_seat if seated else _shorten_turn)(decision, enrolment, place)
    count = count_of(decision.register, (enrolment.edition_id, place.session_id))
    count = count.change(confirmed=-1) if seated else count.change(queued=-1)
    decision.register.counts.keep(count)
    released = replace(place, state="released", version=count.version, sequence=place.sequence + seated)
    decision.told.append(facts.place(PlaceReleased, enrolment, released, count, cause))
    if seated:
        decision.told.append(facts.invitation(enrolment, released, "CANCEL", cause, decision.moment))
    return released


def _return_seat(decision: Decision, enrolment: Enrolment, place: Place) -> None:
    if pool := decision.register.pools.get(decision.pool_id((enrolment.edition_id, place.session_id))):
        decision.change_pool(pool, pool.release())


def _shorten_turn(decision: Decision, enrolment: Enrolment, place: Place) -> None:
    """Let a waiting party need one seat less; the last of it to go gives up the turn."""
    register, session = decision.register, (enrolment.edition_id, place.session_id)
    turn = register.turns.get(turn_id(enrolment.party_id, place.session_id))
    pool = register.pools.get(decision.pool_id(session))
    if turn is None or pool is None:
        return
    if turn.seats > 1:
        register.turns.keep(replace(turn, seats=turn.seats - 1))
    else:
        register.turns.remove(turn.id)
        register.counts.keep(count_of(register, session).change(waiting=-1, facts=0))
        decision.change_pool(pool, pool.leave_queue())


def move(decision: Decision, session: Session, before_id: str, after_id: str) -> None:
    """Have a session draw on a pool, and no longer on the one before; its seats and its turns go along."""
    register = decision.register
    count, before, after = count_of(register, session.key), register.pools.get(before_id), register.pools.get(after_id)
    last = 0
    if before and session.key in before.sessions:
        last = before.last
        decision.moved(session.key, decision.shown_free(before, session.key))
        decision.change_pool(before, before.without(count))
    elif after:
        decision.moved(session.key, UNLIMITED)
    after = after or Pool(after_id, session.capacity, session.capacity)
    decision.change_pool(after, after.joined_by(count, last))
    if register.lags(after_id):
        decision.behind.add(after_id)


def offer(decision: Decision, pool: Pool, capacity: int | None) -> None:
    """Let a pool offer so many seats from now on; who has one keeps it."""
    decision.change_pool(pool, pool.offer(capacity))


def keep_as_read(decision: Decision, pools: Iterable[Pool]) -> None:
    """Keep pools again as they are: what was decided from reading them must not stand if somebody changes them now."""
    for pool in pools:
        decision.register.pools.keep(pool)


def number_fact(decision: Decision, session: SessionKey) -> SessionCount:
    """Count one more fact of a session, so that no two of them share a version; return its count."""
    count = count_of(decision.register, session).change()
    decision.register.counts.keep(count)
    return count
