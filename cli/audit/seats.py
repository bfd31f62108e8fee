"""Promises about seats: pools, counters, and one live enrolment per participant."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from cli.audit.evidence import Evidence, PlaceKey, Pool
from cli.audit.history import changes
from cli.audit.verdict import Offence, Verdict, verdict


def no_pool_overbooked(evidence: Evidence) -> Verdict:
    """Count the confirmed places of each pool again and hold them against its figures and what was ever offered."""
    seats = Counter(place.pool for one in evidence.enrolments for place in one.places if place.state == "confirmed")
    offered = _most_offered(evidence) if evidence.whole else {}
    kept = {pool.id for pool in evidence.pools}
    offences = [offence for pool in evidence.pools for offence in _pool_offences(pool, seats[pool.id], offered)]
    offences += [
        Offence(id, f"{seats[id]} places are confirmed in a pool that does not exist")
        for id in sorted(seats.keys() - kept)
    ]
    return verdict("no pool is overbooked", len(kept), offences)


def _pool_offences(pool: Pool, seats: int, offered: Mapping[str, int | None]) -> Iterator[Offence]:
    if seats != pool.taken:
        yield Offence(pool.id, f"{pool.taken} seats are booked as taken, and {seats} places are confirmed")
    if pool.limit is not None and seats > pool.limit:
        yield Offence(pool.id, f"{seats} places are confirmed, and the limit is {pool.limit}")
    most = offered.get(pool.id)
    if most is not None and seats > most:
        yield Offence(pool.id, f"{seats} places are confirmed, and the catalogue never offered more than {most}")


def _most_offered(evidence: Evidence) -> dict[str, int | None]:
    """Return the most seats that the catalogue ever published for each pool; None is no limit."""
    most: dict[str, int | None] = {}
    for fact in evidence.told:
        if fact.name != "edition-published":
            continue
        for session in fact.data["sessions"]:
            pool = session.get("pool") or f"{fact.data['editionId']}/{session['sessionId']}"
            before, now = most.get(pool, 0), session.get("capacity")
            most[pool] = None if before is None or now is None else max(before, now)
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
    """Look for participants with several live enrolments in an edition, and for a register that says otherwise."""
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
    offences += [Offence(id, "is live, and not registered as its participant's") for id in sorted(alive - registered)]
    offences += [Offence(id, "is registered as live, and is not") for id in sorted(registered - alive)]
    return verdict("a participant has one live enrolment per edition", len(live), offences)
