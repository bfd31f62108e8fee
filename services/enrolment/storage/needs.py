"""What several handlers will need, as far as can be foreseen."""

from __future__ import annotations

from collections.abc import Iterator

from chassis.documents import ById, Documents
from chassis.due import need
from services.enrolment.domain.enrolment import Enrolment
from services.enrolment.domain.ids import participant_key, turn_id
from services.enrolment.internal import PoolServing
from services.enrolment.storage.kinds import EDITIONS, ENROLMENTS, PARTICIPANTS, POOLS, SESSIONS, WAITING


def seats(pool: str) -> Iterator[ById]:
    """Foresee a pool, and whether its waiting list is being served."""
    yield ById(POOLS, pool)
    yield need(PoolServing, pool)


def to_end(enrolment: Enrolment, documents: Documents) -> Iterator[ById]:
    """Foresee what ending an enrolment takes: its companions, or whom it came with, and all that it holds."""
    yield ById(EDITIONS, enrolment.edition_id)
    yield ById(PARTICIPANTS, participant_key(enrolment.edition_id, enrolment.participant))
    for other_id in (ById(ENROLMENTS, id) for id in (*filter(None, [enrolment.main_id]), *enrolment.companion_ids)):
        yield other_id
        if other := documents.glimpse(*other_id):
            yield ById(PARTICIPANTS, participant_key(enrolment.edition_id, other.participant))
    edition = documents.glimpse(EDITIONS, enrolment.edition_id)
    for place in enrolment.places:
        if edition:
            yield from seats(edition.pool_of(place.session_id))
        yield ById(SESSIONS, f"{enrolment.edition_id}/{place.session_id}")
        if place.state == "queued":
            yield ById(WAITING, turn_id(enrolment.party_id, place.session_id))
