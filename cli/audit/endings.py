"""Promises about ends: nobody holds a place in what does not take place, or is kept out by an enrolment without one."""

from __future__ import annotations

from cli.audit.evidence import Enrolment, Evidence
from cli.audit.verdict import BY_HAND, Offence, Verdict, counted, verdict

LEFT_OUT = "is in no edition any more"


def nothing_held_in_cancelled(evidence: Evidence) -> Verdict:
    """Look for seats in, and turns for, sessions that are off, where their end is not under way."""
    off = {session: "is cancelled" for session, offered in evidence.sessions.items() if offered.cancelled}
    live = [place for place in evidence.places.values() if place.state != "released"]
    off |= {place.session: LEFT_OUT for place in live if place.session not in evidence.sessions}
    held = [place for place in live if place.session in off]
    offences = [
        Offence(f"{place.enrolment} {'/'.join(place.session)}", f"is {place.state}; the session {off[place.session]}")
        for place in held
        if place.session[0] not in evidence.unfinished
    ]
    under_way = len(held) - len(offences)
    remark = f"{counted(under_way, 'places')} on the way to their end" if under_way else ""
    return verdict(
        "nobody has a place in what is cancelled",
        len(off),
        offences,
        remark,
        remedy="restart the enrolment service: when it starts, it ends such places and tells so",
    )


def nobody_locked_out(evidence: Evidence) -> Verdict:
    """Look for participants who are registered with an enrolment that has no place: they can neither come nor ask."""
    offences = [
        Offence(id, _locks_out(evidence.by_id.get(id))) for id in sorted(set(evidence.live.values()) - evidence.holding)
    ]
    return verdict(
        "nobody is kept out by an enrolment without a place",
        len(evidence.live),
        offences,
        remedy="`instroom free` ends every enrolment without a place",
    )


def _locks_out(enrolment: Enrolment | None) -> str:
    if enrolment is None:
        return f"does not exist, and keeps its participant from enrolling: {BY_HAND}"
    return f"has no place in {enrolment.edition}, and keeps its participant from enrolling"
