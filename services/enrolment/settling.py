"""Taking in an edition and what follows from it, in portions where that is long (see `chassis/due.py`).

A portion ends some of the places in sessions that are off, and decides some of the requests that waited for the
edition. Waiting lists that are long are served in portions of their own, one pool at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from chassis.documents import Documents
from chassis.due import go_on, left_of, taken_up
from chassis.handling import Tell, goes_back_to
from instroom_contracts.catalog import EditionPublished
from instroom_contracts.cloudevent import CloudEvent
from services.enrolment.addressing import addressed
from services.enrolment.answering import concluded
from services.enrolment.domain import decision as deciding
from services.enrolment.domain.decision import Decision
from services.enrolment.domain.edition import Edition
from services.enrolment.domain.endings import called_off, end_places, tell_reinstated
from services.enrolment.domain.promotion import serve
from services.enrolment.domain.publishing import take_in
from services.enrolment.internal import EditionSettling, PoolServing
from services.enrolment.ledger import Ledger
from services.enrolment.needs import to_unpark
from services.enrolment.parking import unpark_edition
from services.enrolment.waited import decide_in_turn


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


def settle_edition(event: CloudEvent[EditionSettling], documents: Documents, now: datetime) -> Sequence[Tell]:
    """Go on with taking in an edition, as it is by now."""
    left = taken_up(documents, event, event.data.edition_id)
    ledger = Ledger(documents)
    edition = ledger.editions.get(event.data.edition_id)
    if left is None or edition is None:
        return ()
    decision = Decision(ledger, left.time, now)
    return _settled(decision, edition, left.data.session_ids, documents, event, now, most=deciding.PORTION)


def serve_pool(event: CloudEvent[PoolServing], documents: Documents, now: datetime) -> Sequence[Tell]:
    """Go on with giving a pool's free seats to its waiting list."""
    left = taken_up(documents, event, event.data.pool)
    if left is None:
        return ()
    ledger = Ledger(documents)
    decision = Decision(ledger, left.time, now)
    decision.resume(left.data.pool, left.data.free)
    for edition_id, session_id, had in left.data.moved:
        decision.moved((edition_id, session_id), had)
    serve(decision, left.data.pool)
    return addressed(concluded(decision, documents, event, goes_back_to(event), now), ledger, event)


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
    told = concluded(decision, documents, by, goes_back_to(by), now)
    tells = addressed(told, Ledger(documents), by)
    waiting, all_decided = unpark_edition(documents, edition.id, most if ended else 0)
    documents.require(need for parked in waiting for need in to_unpark(parked, documents))
    for parked in waiting:
        tells += decide_in_turn(parked, edition, documents, by, now)
    if not (ended and all_decided):
        rest = EditionSettling(edition_id=edition.id, session_ids=tuple(sorted(session_ids)))
        go_on(documents, by, rest, edition.id, moment=decision.moment, cause=goes_back_to(by), now=now)
    return tells
