"""Serving a pool's waiting list further, in portions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from chassis.documents import ById, Documents
from chassis.due import taken_up
from chassis.handling import Tell
from instroom_contracts.cloudevent import CloudEvent
from instroom_contracts.origin import origin_of
from services.enrolment.domain.decision import Decision
from services.enrolment.domain.promotion import serve
from services.enrolment.handlers.addressing import addressed
from services.enrolment.handlers.concluding import concluded
from services.enrolment.internal import PoolServing
from services.enrolment.storage.ledger import Ledger
from services.enrolment.storage.needs import seats


def to_serve(event: CloudEvent[PoolServing], _: Documents) -> Iterator[ById]:
    """Foresee what is left, and the pool."""
    yield from seats(event.data.pool)


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
    return addressed(concluded(decision, documents, event, origin_of(event), now), ledger, event)
