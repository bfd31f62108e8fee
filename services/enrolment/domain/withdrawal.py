"""Withdrawing: an enrolment ends, with all that it holds, and whoever waits is served."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from instroom_contracts.enrolment import Cause
from services.enrolment.domain.decision import Decision
from services.enrolment.domain.enrolment import Enrolment
from services.enrolment.domain.promotion import serve
from services.enrolment.domain.register import Register
from services.enrolment.domain.sentences import Refused
from services.enrolment.domain.transitions import is_live, release


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
    ended = enrolment.state == "cancelled" and not is_live(enrolment, register)
    return Refused("already-cancelled") if ended else None


def withdraw(decision: Decision, enrolment: Enrolment, cause: Cause) -> None:
    """End an enrolment, with those of its companions; a companion's alone leaves the rest of the party in place."""
    companions = (decision.register.enrolments.get(id) for id in enrolment.companion_ids)
    party = [enrolment, *(one for one in companions if one and one.state != "cancelled")]
    for member in party:
        release(decision, member, {place.session_id for place in member.places}, cause)
    serve_after(decision, party)


def serve_after(decision: Decision, party: Iterable[Enrolment]) -> None:
    """Serve the lists of all that a party held: what it gave back, and where it may fit now that it wants less."""
    sessions = [(member.edition_id, place.session_id) for member in party for place in member.places]
    for pool in dict.fromkeys(decision.pool_id(session) for session in sessions):
        serve(decision, pool)
