"""Taking in an edition and what follows from it, in portions where that is long (see `chassis/due.py`).

A portion ends some of the places in sessions that are off, and decides some of the requests that waited for the
edition. Waiting lists that are long are served in portions of their own, one pool at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from chassis.documents import ById, Documents
from chassis.due import go_on, left_of, need, taken_up
from chassis.handling import Tell
from instroom_contracts.catalog import EditionPublished
from instroom_contracts.cloudevent import CloudEvent
from instroom_contracts.origin import origin_of
from services.enrolment.domain import decision as deciding
from services.enrolment.domain.decision import Decision
from services.enrolment.domain.edition import Edition, own_pool, pool_of
from services.enrolment.domain.endings import called_off, end_places, tell_reinstated
from services.enrolment.domain.publishing import take_in
from services.enrolment.handlers.addressing import addressed
from services.enrolment.handlers.concluding import concluded
from services.enrolment.handlers.parked import decide_in_turn, to_unpark
from services.enrolment.internal import EditionSettling
from services.enrolment.storage.kinds import EDITIONS, PARKINGS, SESSIONS
from services.enrolment.storage.ledger import Ledger
from services.enrolment.storage.needs import seats
from services.enrolment.storage.parking import unpark_edition


def to_keep(event: CloudEvent[EditionPublished], documents: Documents) -> Iterator[ById]:
    """Foresee the version kept so far, what is left to do for it, whether anybody waits, and what its sessions need."""
    published = event.data
    yield (edition_id := ById(EDITIONS, published.edition_id))
    yield ById(PARKINGS, published.edition_id)
    yield need(EditionSettling, published.edition_id)
    known = documents.glimpse(*edition_id)
    before = {id: session.pool for id, session in known.sessions.items()} if known else {}
    after = {session.session_id: pool_of(session, published) for session in published.sessions}
    for id in {**before, **after}:
        own = own_pool(published.edition_id, id)
        pools = {before.get(id, own), after.get(id, own)}
        for pool in sorted(pools):
            yield from seats(pool)
        if len(pools) > 1 or id not in before:
            yield ById(SESSIONS, f"{published.edition_id}/{id}")


def keep_edition(event: CloudEvent[EditionPublished], documents: Documents, now: datetime) -> Sequence[Tell]:
    """Keep an edition, end what it does not offer any more, give on what is free.

    Who waited for it is decided after that: what one of them comes to must not keep the edition out.
    """
    ledger = Ledger(documents)
    before = ledger.editions.get(event.data.edition_id)
    decision = Decision(ledger, event.time, now)
    edition = take_in(decision, event.data)
    if edition is None:
        return ()
    tell_reinstated(decision, before, edition)
    left = left_of(documents, EditionSettling, edition.id)
    session_ids = {*called_off(before, edition), *(left.session_ids if left else ())}
    return _settled(decision, edition, session_ids, documents, event, now, most=0)


def to_settle(event: CloudEvent[EditionSettling], _: Documents) -> Iterator[ById]:
    """Foresee what is left, the edition, its sessions' counts, and whether anybody waits for it."""
    edition_id = event.data.edition_id
    yield need(EditionSettling, edition_id)
    yield ById(EDITIONS, edition_id)
    yield ById(PARKINGS, edition_id)
    yield from (ById(SESSIONS, f"{edition_id}/{id}") for id in event.data.session_ids)


def settle_edition(event: CloudEvent[EditionSettling], documents: Documents, now: datetime) -> Sequence[Tell]:
    """Go on with taking in an edition, as it is by now."""
    left = taken_up(documents, event, event.data.edition_id)
    ledger = Ledger(documents)
    edition = ledger.editions.get(event.data.edition_id)
    if left is None or edition is None:
        return ()
    decision = Decision(ledger, left.time, now)
    return _settled(decision, edition, left.data.session_ids, documents, event, now, most=deciding.PORTION)


def _settled(
    decision: Decision,
    edition: Edition,
    session_ids: Collection[str],
    documents: Documents,
    by: CloudEvent[Any],
    now: datetime,
    *,
    most: int,
) -> list[Tell]:
    """Do one portion, and leave the rest to the next; `most` of those who waited are decided, once all places ended."""
    ended = end_places(decision, edition, session_ids)
    told = concluded(decision, documents, by, origin_of(by), now)
    tells = addressed(told, Ledger(documents), by)
    waiting, all_decided = unpark_edition(documents, edition.id, most if ended else 0)
    documents.require(need for parked in waiting for need in to_unpark(parked, documents))
    for parked in waiting:
        tells += decide_in_turn(parked, edition, documents, by, now)
    if not (ended and all_decided):
        rest = EditionSettling(edition_id=edition.id, session_ids=tuple(sorted(session_ids)))
        go_on(documents, by, rest, edition.id, moment=decision.moment, origin=origin_of(by), now=now)
    return tells
