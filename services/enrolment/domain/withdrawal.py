"""Ending an enrolment: its seats and turns are given back, and whoever waits is served in the same decision."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from instroom_contracts.enrolment import Cause, PlaceReleased
from services.enrolment.domain import facts
from services.enrolment.domain.decision import Decision
from services.enrolment.domain.promotion import serve
from services.enrolment.domain.sentences import Refused
from services.enrolment.domain.values import Enrolment, Place, participant_key, turn_id


def objection(enrolment: Enrolment | None, source: str, course_desks: Collection[str]) -> Refused | None:
    """Return why this source may not cancel this enrolment, or None."""
    if enrolment is None:
        return Refused("unknown-enrolment")
    if source != enrolment.source and source not in course_desks:
        return Refused("not-yours")
    return Refused("already-cancelled") if enrolment.state == "cancelled" else None


def withdraw(decision: Decision, enrolment: Enrolment, cause: Cause) -> None:
    """End an enrolment, with those of its companions; a companion's alone leaves the rest of the party in place."""
    companions = (decision.register.enrolment(id) for id in enrolment.companion_ids)
    party = [enrolment, *(one for one in companions if one and one.state != "cancelled")]
    for member in party:
        _end(decision, member, cause)
    for pool in dict.fromkeys(place.pool for member in party for place in member.places):
        serve(decision, pool)


def _end(decision: Decision, enrolment: Enrolment, cause: Cause) -> None:
    ended = replace(enrolment, state="cancelled")
    decision.told.append(facts.cancelled(enrolment, cause))
    places = tuple(_released(decision, ended, place, cause) for place in enrolment.places)
    decision.register.keep_enrolment(replace(ended, places=places))
    decision.register.keep_live(participant_key(enrolment.edition_id, enrolment.participant), None)


def _released(decision: Decision, enrolment: Enrolment, place: Place, cause: Cause) -> Place:
    """Give back one seat or turn, tell it, and ask for the withdrawal of its calendar entry.

    It is asked for whatever became of the session: notification must know that the place is gone, and decides itself
    whether there is something to withdraw.
    """
    if place.state == "released":
        return place
    seated = place.state == "confirmed"
    (_return_seat if seated else _shorten_turn)(decision, place)
    count = decision.register.count((enrolment.edition_id, place.session_id))
    count = count.change(confirmed=-1) if seated else count.change(queued=-1)
    decision.register.keep_count(count)
    released = replace(place, state="released", version=count.version, sequence=place.sequence + seated)
    decision.told.append(facts.place(PlaceReleased, enrolment, released, cause))
    if seated:
        decision.told.append(facts.invitation(enrolment, released, "CANCEL", cause, decision.moment))
    return released


def _return_seat(decision: Decision, place: Place) -> None:
    if pool := decision.register.pool(place.pool):
        decision.change_pool(pool, pool.release())


def _shorten_turn(decision: Decision, place: Place) -> None:
    """Let a waiting party need one seat less; the last of it to go gives up the turn."""
    register = decision.register
    turn, pool = register.turn(turn_id(place.pool, place.seq)), register.pool(place.pool)
    if turn is None or pool is None:
        return
    if turn.seats > 1:
        register.keep_turn(replace(turn, seats=turn.seats - 1))
    else:
        register.strike_turn(turn)
        decision.change_pool(pool, pool.leave_queue())
