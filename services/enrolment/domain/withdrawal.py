"""Giving places back: seats and turns are freed, an enrolment with nothing left ends, and whoever waits is served."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from instroom_contracts.enrolment import Cause, PlaceReleased
from services.enrolment.domain import facts
from services.enrolment.domain.decision import Decision
from services.enrolment.domain.pools import pool_now
from services.enrolment.domain.promotion import serve
from services.enrolment.domain.register import Register
from services.enrolment.domain.sentences import Refused
from services.enrolment.domain.values import Enrolment, Place, participant_key, state_of, turn_id


def objection(
    enrolment: Enrolment | None, source: str, course_desks: Collection[str], register: Register
) -> Refused | None:
    """Return why this source may not cancel this enrolment, or None.

    One that came to nothing and is registered as its participant's all the same, as earlier releases left some, can be
    cancelled: that is what frees the participant.
    """
    if enrolment is None:
        return Refused("unknown-enrolment")
    if source != enrolment.source and source not in course_desks:
        return Refused("not-yours")
    ended = enrolment.state == "cancelled" and not _is_registered(enrolment, register)
    return Refused("already-cancelled") if ended else None


def withdraw(decision: Decision, enrolment: Enrolment, cause: Cause) -> None:
    """End an enrolment, with those of its companions; a companion's alone leaves the rest of the party in place."""
    companions = (decision.register.enrolment(id) for id in enrolment.companion_ids)
    party = [enrolment, *(one for one in companions if one and one.state != "cancelled")]
    for member in party:
        release(decision, member, {place.session_id for place in member.places}, cause)
    serve_after(decision, party)


def serve_after(decision: Decision, party: Iterable[Enrolment]) -> None:
    """Serve the lists of all that a party held: what it gave back, and where it may fit now that it wants less."""
    sessions = [(member.edition_id, place.session_id) for member in party for place in member.places]
    for pool in dict.fromkeys(pool_now(decision.register, session) for session in sessions):
        serve(decision, pool)


def release(decision: Decision, enrolment: Enrolment, session_ids: Collection[str], cause: Cause) -> Enrolment:
    """Give back an enrolment's places in these sessions, and end it where it has none left."""
    held = [place for place in enrolment.places if place.state != "released"]
    staying = tuple(place for place in held if place.session_id not in session_ids)
    ended = replace(enrolment, state=state_of(staying))
    if not staying:
        decision.told.append(facts.cancelled(enrolment, cause))
        _unregister(enrolment, decision.register)
    places = tuple(
        place if place in staying else _released(decision, ended, place, cause) for place in enrolment.places
    )
    ended = replace(ended, places=places)
    decision.register.keep_enrolment(ended)
    return ended


def _is_registered(enrolment: Enrolment, register: Register) -> bool:
    live = register.live(participant_key(enrolment.edition_id, enrolment.participant))
    return live is not None and live.enrolment_id == enrolment.id


def _unregister(enrolment: Enrolment, register: Register) -> None:
    if _is_registered(enrolment, register):
        register.keep_live(participant_key(enrolment.edition_id, enrolment.participant), None)


def _released(decision: Decision, enrolment: Enrolment, place: Place, cause: Cause) -> Place:
    """Give back one seat or turn, tell it, and ask for the withdrawal of its calendar entry.

    It is asked for whatever became of the session: notification must know that the place is gone, and decides itself
    whether there is something to withdraw.
    """
    if place.state == "released":
        return place
    seated = place.state == "confirmed"
    (_return_seat if seated else _shorten_turn)(decision, enrolment, place)
    count = decision.register.count((enrolment.edition_id, place.session_id))
    count = count.change(confirmed=-1) if seated else count.change(queued=-1)
    decision.register.keep_count(count)
    released = replace(place, state="released", version=count.version, sequence=place.sequence + seated)
    decision.told.append(facts.place(PlaceReleased, enrolment, released, cause))
    if seated:
        decision.told.append(facts.invitation(enrolment, released, "CANCEL", cause, decision.moment))
    return released


def _return_seat(decision: Decision, enrolment: Enrolment, place: Place) -> None:
    if pool := decision.register.pool(pool_now(decision.register, (enrolment.edition_id, place.session_id))):
        decision.change_pool(pool, pool.release())


def _shorten_turn(decision: Decision, enrolment: Enrolment, place: Place) -> None:
    """Let a waiting party need one seat less; the last of it to go gives up the turn."""
    register, session = decision.register, (enrolment.edition_id, place.session_id)
    turn = register.turn(turn_id(enrolment.party_id, place.session_id))
    pool = register.pool(pool_now(register, session))
    if turn is None or pool is None:
        return
    if turn.seats > 1:
        register.keep_turn(replace(turn, seats=turn.seats - 1))
    else:
        register.strike_turn(turn)
        register.keep_count(register.count(session).change(waiting=-1, facts=0))
        decision.change_pool(pool, pool.leave_queue())
