"""Promises about ends: nobody holds a place in what does not take place, or is kept out by an enrolment without one."""

from __future__ import annotations

from cli.audit.evidence import Evidence
from cli.audit.verdict import Offence, Verdict, counted, verdict


def nothing_held_in_cancelled(evidence: Evidence) -> Verdict:
    """Look for seats in, and turns for, sessions that are cancelled, where their end is not under way."""
    off = {session for session, offered in evidence.sessions.items() if offered.cancelled}
    held = [place for place in evidence.places.values() if place.state != "released" and place.session in off]
    offences = [
        Offence(f"{place.enrolment} {'/'.join(place.session)}", f"is {place.state} in a session that is cancelled")
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
    holding = {place.enrolment for place in evidence.places.values() if place.state != "released"}
    offences = [
        Offence(id, "has no place, and keeps its participant from enrolling")
        for id in sorted(set(evidence.live.values()) - holding)
    ]
    return verdict(
        "nobody is kept out by an enrolment without a place",
        len(evidence.live),
        offences,
        remedy="`instroom free` ends every enrolment without a place",
    )
