"""Promises about waiting lists: they are whole, in order, and nobody waits in vain or is promoted too late."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from cli.audit.evidence import Evidence, PlaceKey, SessionKey, Turn
from cli.audit.history import Change, Party, Seats, came_free, changes, moved, seats, sharing
from cli.audit.verdict import Offence, Verdict, verdict

TRUNCATED = "the replay stream no longer holds the first facts: not judged"


CLOCKS = timedelta(minutes=1)
"""How far apart the clocks of processes may be that decide about sessions which share a pool."""


@dataclass(frozen=True)
class Waiting:
    """A party on the waiting list of a session: its places that are queued, and when that was told."""

    places: frozenset[PlaceKey]
    since: datetime


Lists = Mapping[SessionKey, dict[str, Waiting]]
"""The waiting lists of all sessions, each in the order of telling, by party."""


def lists_whole(evidence: Evidence) -> Verdict:
    """Hold the turns on the waiting lists against the queued places, and their numbers against the order of answers."""
    queued = Counter((place.party, place.session) for place in evidence.places.values() if place.state == "queued")
    turns = Counter[Party]()
    for turn in evidence.turns:
        turns[turn.enrolment, turn.session] += turn.seats
    offences = [
        Offence(_named(party), f"has a turn for {turns[party]} seats, and {queued[party]} places are queued")
        for party in sorted(turns.keys() | queued.keys())
        if turns[party] != queued[party]
    ]
    offences += _miscounted(evidence)
    offences += _out_of_order(evidence)
    return verdict("waiting lists hold who is queued, in the order of decision", len(turns), offences)


def _named(party: Party) -> str:
    return f"{party[0]} {'/'.join(party[1])}"


def _miscounted(evidence: Evidence) -> Iterator[Offence]:
    waiting = Counter(turn.session for turn in evidence.turns)
    in_pool = Counter(evidence.pool_of(turn.session) for turn in evidence.turns)
    counted = [(pool.id, pool.waiting, in_pool[pool.id]) for pool in evidence.pools]
    counted += [("/".join(one.session), one.waiting, waiting[one.session]) for one in evidence.counters]
    for subject, kept, found in counted:
        if kept != found:
            yield Offence(subject, f"counts {kept} waiting parties, and there are {found} turns")


def _out_of_order(evidence: Evidence) -> Iterator[Offence]:
    """Compare turns with their answers: in one session by the order of telling, of one pool by the time of it."""
    answers = {change.party: change.number for change in changes(evidence) if change.answer}
    last: dict[SessionKey, int] = defaultdict(int)
    latest: dict[str, datetime] = {}
    for turn in sorted(evidence.turns, key=lambda turn: turn.number):
        number = answers.get((turn.enrolment, turn.session))
        if number is None:
            continue
        pool, at = evidence.pool_of(turn.session), datetime.fromisoformat(evidence.told[number].text("time"))
        if number < last[turn.session] or at < latest.get(pool, at) - CLOCKS:
            yield Offence(_named((turn.enrolment, turn.session)), f"was told before others that come first in {pool}")
        last[turn.session] = max(number, last[turn.session])
        latest[pool] = max(at, latest.get(pool, at))


def served_in_turn(evidence: Evidence) -> Verdict:
    """Play the waiting lists again: whoever got a seat, nobody who fits had waited longer for one of the same pool."""
    promise = "nobody gets a seat before somebody who waited longer and fits"
    if not evidence.whole:
        return verdict(promise, 0, (), TRUNCATED)
    lists: Lists = defaultdict(dict)
    beside = sharing(evidence)
    seated = 0
    offences: list[Offence] = []
    for change in changes(evidence):
        at = _told_at(change, evidence)
        if change.state == "confirmed":
            seated += 1
            offences += _overtaken(change, at, lists, beside, evidence)
        _play(change, at, lists[change.party[1]])
    return verdict(promise, seated, offences)


def _told_at(change: Change, evidence: Evidence) -> datetime:
    return datetime.fromisoformat(evidence.told[change.number].text("time"))


def _play(change: Change, at: datetime, waiting: dict[str, Waiting]) -> None:
    """Play a change on the waiting list of its session, which is in the order of telling."""
    party = change.party[0]
    keys = frozenset((place.enrolment, place.session[1]) for place in change.places)
    known = waiting.get(party, Waiting(frozenset(), at))
    left = known.places | keys if change.state == "queued" else known.places - keys
    if left:
        waiting[party] = Waiting(left, known.since)
    else:
        waiting.pop(party, None)


def _overtaken(
    change: Change, at: datetime, lists: Lists, beside: Mapping[SessionKey, set[SessionKey]], evidence: Evidence
) -> Iterator[Offence]:
    """Name those that this party overtook: waiting longer, no larger, content with this seat alone."""
    party, session = change.party
    own = lists[session].get(party)
    size = len(own.places if own else change.places)
    ahead = [(other, session) for other in takewhile(lambda other: other != party, lists[session])]
    since = (own.since if own else at) - CLOCKS
    for other in beside.get(session, ()):
        if _is_of_use(change, other, evidence):
            longer = takewhile(lambda entry: entry[1].since < since, lists[other].items())
            ahead += [(name, other) for name, _ in longer if name != party]
    for passed in ahead:
        places = lists[passed[1]][passed[0]].places
        content = not any(evidence.by_id[enrolment].all_or_nothing for enrolment, _ in places)
        if len(places) <= size and content:
            yield Offence(_named(change.party), f"got a seat while {_named(passed)} had waited longer")


def _is_of_use(change: Change, session: SessionKey, evidence: Evidence) -> bool:
    """Say whether a seat that somebody got came free before a session began, by the invitation that was asked for."""
    asked = (evidence.invited.get((place.enrolment, place.session[1])) for place in change.places)
    moments = [invitation.asked_at for invitation in asked if invitation]
    return bool(moments) and max(moments) < evidence.begins(session)


def no_seat_idle(evidence: Evidence) -> Verdict:
    """Look for parties that fit into free seats which came free before their session began."""
    promise = "no seat stays free while somebody who fits waits for it"
    if not evidence.whole:
        return verdict(promise, 0, (), TRUNCATED)
    course = seats(evidence)
    parties = list(_parties(evidence))
    settled = [pool for pool in evidence.pools if pool.id not in evidence.unfinished]
    free = {pool.id: math.inf if pool.limit is None else pool.limit - pool.taken for pool in settled}
    fitting = [party for party in parties if _fits(party, free, evidence)]
    fit_since = _fit_since(evidence)
    idle = [party for party in fitting if _in_time(party, course, fit_since, evidence)]
    offences = [
        Offence(_named((party[0].enrolment, party[0].session)), "waits, and seats are free for it") for party in idle
    ]
    late = len(fitting) - len(idle)
    remark = f"{late} wait for seats that came free too late" if late else ""
    return verdict(
        promise,
        len(parties),
        offences,
        remark,
        remedy="load the programme with any change: its free seats are given then",
    )


def _parties(evidence: Evidence) -> Iterator[Sequence[Turn]]:
    """Give the turns that are served together: one, or all of a party that wants all or nothing."""
    together: dict[str, list[Turn]] = defaultdict(list)
    for turn in evidence.turns:
        enrolment = evidence.by_id.get(turn.enrolment)
        if enrolment is not None and enrolment.all_or_nothing:
            together[turn.enrolment].append(turn)
        else:
            yield (turn,)
    yield from together.values()


def _wanted(party: Sequence[Turn], evidence: Evidence) -> Counter[str]:
    wanted: Counter[str] = Counter()
    for turn in party:
        wanted[evidence.pool_of(turn.session)] += turn.seats
    return wanted


def _fits(party: Sequence[Turn], free: Mapping[str, float], evidence: Evidence) -> bool:
    fits = all(seats <= free.get(pool, 0) for pool, seats in _wanted(party, evidence).items())
    return fits and all((now := evidence.sessions.get(turn.session)) and not now.cancelled for turn in party)


def _fit_since(evidence: Evidence) -> Mapping[str | SessionKey, Seats]:
    """Return since when a party may fit into seats that were free before: it became smaller, or its session moved."""
    released = (change for change in changes(evidence) if change.state == "released")
    since: dict[str | SessionKey, Seats] = {
        change.party[0]: Seats(change.number, 0, at=_told_at(change, evidence)) for change in released
    }
    since.update(moved(evidence))
    return since


def _in_time(
    party: Sequence[Turn],
    course: Mapping[str, list[Seats]],
    fit_since: Mapping[str | SessionKey, Seats],
    evidence: Evidence,
) -> bool:
    """Say whether the seats came to be of use before any of the party's sessions had begun."""
    begins = min(evidence.begins(turn.session) for turn in party)
    if evidence.now < begins:
        return True
    told_of = [(course[pool], wanted) for pool, wanted in _wanted(party, evidence).items()]
    if any(told and told[-1].free < wanted for told, wanted in told_of):
        return True  # they are free by what is kept, and no fact tells since when
    came = [since for told, wanted in told_of if (since := came_free(told, wanted))]
    came += [fit_since[one] for turn in party for one in (turn.enrolment, turn.session) if one in fit_since]
    if not came:
        return True
    last = max(came, key=lambda since: since.number)
    moment = last.at or _given_back_at(last.freed_by, evidence)
    return moment is not None and moment < begins


def _given_back_at(place: PlaceKey | None, evidence: Evidence) -> datetime | None:
    """Return when a seat was given back; only seats that are still of use have their invitation withdrawn."""
    withdrawn = (one for one in evidence.invitations if one.place == place and one.asked_method == "CANCEL")
    return next((one.asked_at for one in withdrawn), None)


def nobody_promoted_late(evidence: Evidence) -> Verdict:
    """Hold the moment of every promotion against the start of its session."""
    promoted = [place for change in changes(evidence) if change.promoted for place in change.places]
    offences = [
        Offence(_named((place.enrolment, place.session)), "was promoted after the session began")
        for place in promoted
        if (invitation := evidence.invited.get((place.enrolment, place.session[1])))
        and invitation.asked_at >= evidence.begins_at_last(place.session)
    ]
    return verdict("nobody is promoted into a session that has begun", len(promoted), offences)
