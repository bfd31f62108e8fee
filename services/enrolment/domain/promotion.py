"""Serving waiting lists: free seats go to who has waited longest and fits, before any newcomer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from instroom_contracts.enrolment import PlaceConfirmed
from services.enrolment.domain import facts
from services.enrolment.domain.decision import Decision
from services.enrolment.domain.values import Enrolment, Place, Turn, state_of, turn_id

FIRST_LOOK = 16
"""How many turns are looked at first; twice as many each time that is not enough."""


def serve(decision: Decision, pool_id: str, before: int | None = None) -> bool:
    """Give the free seats of a pool to the parties on its waiting list, in the order of their turns.

    A party that does not fit is passed over and keeps its turn; nobody gets a seat in a session that is cancelled or
    has begun at the decision's moment. `before` stops at the turn with this number. Returns False where more is to be
    given than one decision may: then the pool is `behind`, and those on its list come before any newcomer all the same.
    """
    if is_behind(decision, pool_id):
        decision.behind.add(pool_id)
        return False
    for turn in _turns(decision, pool_id):
        if before is not None and turn.seq >= before:
            return True
        pool = decision.register.pool(pool_id)
        if pool and turn.seats <= pool.free and decision.still_offered(turn.edition_id, turn.session_id):
            if decision.spare <= 0:
                decision.behind.add(pool_id)
                return False
            _offer(decision, turn)
    return True


def is_behind(decision: Decision, pool_id: str) -> bool:
    """Say whether free seats of this pool are for those on its waiting list, whom later portions will serve."""
    return _could_serve(decision, pool_id) and decision.lags(pool_id)


def _turns(decision: Decision, pool_id: str) -> Iterator[Turn]:
    """Go through a waiting list for as long as there are seats to give, reading no further than that takes."""
    depth, last, complete = FIRST_LOOK, 0, False
    while not complete and _could_serve(decision, pool_id):
        turns, complete = decision.register.turns(pool_id, depth)
        for turn in turns:
            if turn.seq > last and _could_serve(decision, pool_id):
                last = turn.seq
                yield turn
        depth *= 2


def _could_serve(decision: Decision, pool_id: str) -> bool:
    pool = decision.register.pool(pool_id)
    return pool is not None and pool.waiting > 0 and pool.free > 0


def _offer(decision: Decision, turn: Turn) -> None:
    """Seat a party for which there is room in this pool, unless it wants all or nothing and lacks another."""
    main = decision.register.enrolment(turn.enrolment_id)
    if main is None or (place := main.place(turn.session_id)) is None or place.state != "queued":
        return
    if not main.all_or_nothing:
        _seat(decision, main, turn)
    elif _all_fit(decision, main, turn):
        for wanted in _queued_turns(decision, main):
            _seat(decision, decision.register.enrolment(main.id) or main, wanted)


def _all_fit(decision: Decision, main: Enrolment, turn: Turn) -> bool:
    """Say whether every pool has room for the whole party, once those ahead of it there were served."""
    turns = _queued_turns(decision, main)
    if not _room_for(decision, turns):
        return False
    served = [serve(decision, other.pool, before=other.seq) for other in turns if other.pool != turn.pool]
    return all(served) and _room_for(decision, turns)


def _room_for(decision: Decision, turns: list[Turn]) -> bool:
    """Say whether all these turns could be seated together.

    The pools are kept again as they are where they lack room: what was decided from reading them must not stand if
    another process frees a seat there at the same time.
    """
    wanted: dict[str, int] = {}
    for turn in turns:
        wanted[turn.pool] = wanted.get(turn.pool, 0) + turn.seats
    pools = [pool for id in wanted if (pool := decision.register.pool(id))]
    offered = all(decision.still_offered(turn.edition_id, turn.session_id) for turn in turns)
    if offered and all(wanted[pool.id] <= pool.free for pool in pools):
        return True
    for pool in pools:
        decision.register.keep_pool(pool)
    return False


def _queued_turns(decision: Decision, main: Enrolment) -> list[Turn]:
    queued = (place for place in main.places if place.state == "queued")
    turns = (decision.register.turn(turn_id(place.pool, place.seq)) for place in queued)
    return [turn for turn in turns if turn]


def _seat(decision: Decision, main: Enrolment, turn: Turn) -> None:
    """Turn a party's waiting into seats in one session, and tell each of its members."""
    register = decision.register
    pool = register.pool(turn.pool)
    if pool is None:
        return
    decision.change_pool(pool, pool.promote(turn.seats))
    register.strike_turn(turn)
    for enrolment in (main, *(register.enrolment(id) for id in main.companion_ids)):
        place = enrolment.place(turn.session_id) if enrolment else None
        if enrolment and place:
            _confirm(decision, enrolment, place)


def _confirm(decision: Decision, enrolment: Enrolment, place: Place) -> None:
    register = decision.register
    count = register.count((enrolment.edition_id, place.session_id)).change(confirmed=1, queued=-1)
    register.keep_count(count)
    seated = replace(place, state="confirmed", version=count.version)
    places = tuple(seated if other is place else other for other in enrolment.places)
    enrolment = replace(enrolment, places=places, state=state_of(places))
    register.keep_enrolment(enrolment)
    decision.told.append(facts.place(PlaceConfirmed, enrolment, seated, "promotion"))
    decision.told.append(facts.invitation(enrolment, seated, "REQUEST", "promotion", decision.moment))
