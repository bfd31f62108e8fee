"""Serving waiting lists: free seats go to who has waited longest and fits, before any newcomer."""

from __future__ import annotations

from collections.abc import Iterator

from services.enrolment.domain.decision import Decision
from services.enrolment.domain.enrolment import Enrolment
from services.enrolment.domain.ids import turn_id
from services.enrolment.domain.seats import Pool, Turn
from services.enrolment.domain.transitions import call_off, keep_as_read, promote

FIRST_LOOK = 16
"""How many turns are looked at first; twice as many each time that is not enough."""


def serve(decision: Decision, pool_id: str, before: Turn | None = None) -> bool:
    """Give the free seats of a pool to the parties on its waiting list, in the order of their turns.

    A party that does not fit is passed over and keeps its turn; nobody gets a seat in a session that is cancelled or
    has begun at the decision's moment. Only who comes `before` a turn is served where one is given. Returns False where
    more is to be given than one decision may: then the pool is `behind`, and those on its list come before any newcomer
    all the same.

    The pool is kept again also where nothing changes: that nobody on its list fits must not be decided while another
    process gives a seat back.
    """
    if pool := decision.register.pools.get(pool_id):
        keep_as_read(decision, [pool])
    if before is None and is_behind(decision, pool_id):
        decision.behind.add(pool_id)
        return False
    for turn in _turns(decision, pool_id):
        if before is not None and turn.order >= before.order:
            return True
        if not _is_done_with(decision, turn, pool_id):
            decision.behind.add(pool_id)
            return False
    return True


def _is_done_with(decision: Decision, turn: Turn, pool_id: str) -> bool:
    """Seat a party if it fits; False where that is more than this decision may do."""
    pool = decision.register.pools.get(pool_id)
    if pool is None or turn.seats > pool.free or not decision.still_offered(*turn.session):
        return True
    return decision.spare > 0 and _offer(decision, turn)


def is_behind(decision: Decision, pool_id: str) -> bool:
    """Say whether free seats of this pool are for those on its waiting list, whom later portions will serve."""
    return _to_serve(decision, pool_id) is not None and decision.lags(pool_id)


def _turns(decision: Decision, pool_id: str) -> Iterator[Turn]:
    """Go through a waiting list for as long as there are seats to give, reading no further than that takes."""
    depth, last, complete = FIRST_LOOK, (0, ""), False
    while not complete and (pool := _to_serve(decision, pool_id)):
        turns, complete = decision.register.first_turns(pool, depth)
        for turn in turns:
            if turn.order > last and _to_serve(decision, pool_id):
                last = turn.order
                yield turn
        depth *= 2


def _to_serve(decision: Decision, pool_id: str) -> Pool | None:
    """Return a pool as it is now, if it has seats to give and parties that wait for them."""
    pool = decision.register.pools.get(pool_id)
    return pool if pool and pool.waiting > 0 and pool.free > 0 else None


def _offer(decision: Decision, turn: Turn) -> bool:
    """Seat a party for which there is room in this pool, unless it wants all or nothing and lacks another.

    Returns False where that cannot be said yet: those ahead of it in the other pool are more than one decision serves.
    """
    main = decision.register.enrolments.get(turn.enrolment_id)
    if main is None or (place := main.place(turn.session_id)) is None or place.state != "queued":
        return True
    if not main.all_or_nothing:
        promote(decision, main, turn)
        return True
    turns = _queued_turns(decision, main)
    if not _room_for(decision, turns):
        return True
    if not _served_ahead(decision, turns, decision.pool_id(turn.session)):
        return False
    if _room_for(decision, turns):
        _end_what_is_off(decision, main)
        for wanted in turns:
            promote(decision, decision.register.enrolments.get(main.id) or main, wanted)
    return True


def _served_ahead(decision: Decision, turns: list[Turn], here: str) -> bool:
    """Serve those who are ahead of all of a party's turns in other pools than `here`; False where some are left."""
    first: dict[str, Turn] = {}
    for turn in sorted(turns, key=lambda turn: turn.order):
        first.setdefault(decision.pool_id(turn.session), turn)
    served = [serve(decision, there, before=turn) for there, turn in first.items() if there != here]
    return all(served)


def _room_for(decision: Decision, turns: list[Turn]) -> bool:
    """Say whether all these turns could be seated together; where not, nobody else may free a seat at the same time."""
    wanted: dict[str, int] = {}
    for turn in turns:
        id = decision.pool_id(turn.session)
        wanted[id] = wanted.get(id, 0) + turn.seats
    pools = [pool for id in wanted if (pool := decision.register.pools.get(id))]
    offered = all(decision.still_offered(*turn.session) for turn in turns)
    if offered and all(wanted[pool.id] <= pool.free for pool in pools):
        return True
    keep_as_read(decision, pools)
    return False


def _queued_turns(decision: Decision, main: Enrolment) -> list[Turn]:
    """Return what a party waits for; what is cancelled it wants no longer, though that may end in a later portion."""
    queued = (place for place in main.places if place.state == "queued")
    turns = (decision.register.turns.get(turn_id(main.id, place.session_id)) for place in queued)
    return [turn for turn in turns if turn and decision.goes_ahead(*turn.session)]


def _end_what_is_off(decision: Decision, main: Enrolment) -> None:
    """End what a party no longer wants, before it gets the rest: all or nothing holds also where that is reinstated."""
    edition = decision.register.editions.get(main.edition_id)
    off = {place.session_id for place in main.places if not decision.goes_ahead(main.edition_id, place.session_id)}
    for member in (main, *(decision.register.enrolments.get(id) for id in main.companion_ids)):
        if edition and member:
            call_off(decision, member, off, edition)
