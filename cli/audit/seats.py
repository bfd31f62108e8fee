"""Promises about seats: pools, counters, and one live enrolment per participant."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator

from cli.audit.evidence import Evidence, PlaceKey, Pool, SessionKey
from cli.audit.history import changes
from cli.audit.verdict import BY_HAND, Offence, Verdict, verdict

MORE_SEATS = "load the programme with more seats, or end who came last (`instroom cancel ID`)"


def no_pool_overbooked(evidence: Evidence) -> Verdict:
    """Count the confirmed places of each pool again, by the sessions that the catalogue has it for."""
    seats = Counter(evidence.pool_of(session) for session in _seats(evidence))
    sessions: dict[str, set[SessionKey]] = defaultdict(set)
    for session in evidence.sessions:
        sessions[evidence.pool_of(session)].add(session)
    kept = {pool.id for pool in evidence.pools}
    offences = [
        offence
        for pool in evidence.pools
        for offence in _pool_offences(pool, seats[pool.id], sessions[pool.id], evidence)
    ]
    offences += [
        Offence(id, f"{seats[id]} places are confirmed in a pool that does not exist: {_named(sessions[id])}")
        for id in sorted(seats.keys() - kept)
    ]
    return verdict(
        "no pool is overbooked", len(kept), offences, remedy=f"{MORE_SEATS}; a figure is set right by hand: {BY_HAND}"
    )


def _seats(evidence: Evidence) -> Iterator[SessionKey]:
    """Give the session of each confirmed place, once."""
    return (place.session for one in evidence.enrolments for place in one.places if place.state == "confirmed")


def _pool_offences(pool: Pool, seats: int, sessions: Collection[SessionKey], evidence: Evidence) -> Iterator[Offence]:
    where = f" ({_named(sessions)})"
    if seats != pool.taken:
        yield Offence(pool.id, f"{pool.taken} seats are booked as taken, and {seats} places are confirmed{where}")
    if pool.limit is not None and seats > pool.limit:
        yield Offence(pool.id, f"{seats} places are confirmed, and the limit is {pool.limit}{where}")
    if pool.capacity is not None and (pool.limit is None or pool.limit > max(pool.capacity, seats)):
        yield Offence(pool.id, f"lets {pool.limit} in, with {pool.capacity} seats and {seats} taken{where}")
    if sessions and set(pool.sessions) != set(sessions):
        yield Offence(pool.id, f"is kept for {_named(pool.sessions)}, and the catalogue has it for{where}")
    if sessions and pool.capacity != (offered := _offered(sessions, evidence)):
        yield Offence(pool.id, f"offers {pool.capacity} seats, and the catalogue {offered}{where}")


def _named(sessions: Iterable[SessionKey]) -> str:
    return ", ".join(sorted("/".join(session) for session in sessions)) or "no session"


def _offered(sessions: Iterable[SessionKey], evidence: Evidence) -> int | None:
    """Return the fewest seats that one of these sessions has, of those that go ahead; None is no limit."""
    every = [evidence.sessions[session] for session in sessions]
    counted = [one for one in every if not one.cancelled] or every
    return min((one.capacity for one in counted if one.capacity is not None), default=None)


def no_session_overbooked(evidence: Evidence) -> Verdict:
    """Hold the confirmed places of each session against the most that the catalogue ever offered for it.

    Who had a seat before there were fewer keeps it; that was within what was offered then, and so within the most.
    """
    promise = "no session has more confirmed places than it ever had seats"
    if not evidence.whole:
        return verdict(promise, 0, (), "the replay stream no longer holds the first facts: not judged")
    seats = Counter(_seats(evidence))
    most = _most_offered(evidence)
    offences = [
        Offence("/".join(session), f"{count} places are confirmed, and the catalogue never offered more than {offered}")
        for session, count in sorted(seats.items())
        if (offered := most.get(session)) is not None and count > offered
    ]
    return verdict(promise, len(seats), offences, remedy=MORE_SEATS)


def _most_offered(evidence: Evidence) -> dict[SessionKey, int | None]:
    """Return the most seats that the catalogue ever published for each session; None is no limit."""
    most: dict[SessionKey, int | None] = {}
    for fact in evidence.told:
        if fact.name != "edition-published":
            continue
        for session in fact.data["sessions"]:
            key = (fact.edition, session["sessionId"])
            before, now = most.get(key, 0), session.get("capacity")
            most[key] = None if before is None or now is None else max(before, now)
    return most


def counters_equal_places(evidence: Evidence) -> Verdict:
    """Count the confirmed and queued places of each session again and hold them against its counters."""
    found: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for one in evidence.enrolments:
        for place in one.places:
            found[place.session][place.state] += 1
    kept = {counter.session: (counter.confirmed, counter.queued) for counter in evidence.counters}
    offences = []
    for session in sorted(kept.keys() | found.keys()):
        places = (found[session]["confirmed"], found[session]["queued"])
        if kept.get(session, (0, 0)) != places:
            detail = "counts {} confirmed, {} queued; its places are {} and {}"
            offences.append(Offence("/".join(session), detail.format(*kept.get(session, (0, 0)), *places)))
    return verdict("every session's counters equal its places", len(kept), offences)


def told_is_kept(evidence: Evidence) -> Verdict:
    """Play the facts of each place to their end and hold the outcome against the place."""
    told: dict[PlaceKey, str] = {}
    for change in changes(evidence):
        told.update(dict.fromkeys(((place.enrolment, place.session[1]) for place in change.places), change.state))
    judged = {key: place for key, place in evidence.places.items() if evidence.whole or key in told}
    offences = [
        Offence(
            f"{place.enrolment} {'/'.join(place.session)}",
            f"is {place.state}, and was told as {told.get(key, 'nothing')}",
        )
        for key, place in judged.items()
        if told.get(key) != place.state
    ]
    return verdict("what was told of a place is what is kept", len(judged), offences)


def one_live_enrolment(evidence: Evidence) -> Verdict:
    """Look for participants with several live enrolments in an edition, and for a register that says otherwise.

    One that is registered and has no place is `nobody_locked_out`'s affair.
    """
    live = defaultdict(list)
    for one in evidence.enrolments:
        if one.state != "cancelled":
            live[one.edition, one.participant].append(one.id)
    offences = [
        Offence(ids[0], f"the same participant of {edition} also has {', '.join(ids[1:])}")
        for (edition, _), ids in live.items()
        if len(ids) > 1
    ]
    registered, alive = set(evidence.live.values()), {id for ids in live.values() for id in ids}
    ended = (registered - alive) & evidence.holding
    offences += [Offence(id, "is live, and not registered as its participant's") for id in sorted(alive - registered)]
    offences += [Offence(id, "is registered as live and has a place, and is cancelled") for id in sorted(ended)]
    return verdict(
        "a participant has one live enrolment per edition",
        len(live),
        offences,
        remedy=f"`instroom cancel ID` ends one too many; others: {BY_HAND}",
    )
