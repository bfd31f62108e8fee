"""What a message will need, as far as can be foreseen: asked for together, a batch is read in a few queries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from chassis.answers import DECIDED
from chassis.documents import ById, Documents, First, Need
from chassis.due import need
from instroom_contracts.catalog import EditionPublished
from instroom_contracts.cloudevent import CloudEvent
from instroom_contracts.intake import AnswerRequested, EnrolmentCancellationRequested, EnrolmentRequested
from services.enrolment.domain import decision as deciding
from services.enrolment.domain.edition import own_pool, pool_of
from services.enrolment.domain.request import attending
from services.enrolment.domain.values import Enrolment, Parked, participant_key, turn_id
from services.enrolment.internal import AsideTried, EditionSettling, PoolServing, WaitEnded
from services.enrolment.parking import asked_in
from services.enrolment.storage import (
    EDITIONS,
    ENROLMENTS,
    PARKED,
    PARKED_BY_EDITION,
    PARKINGS,
    PARTICIPANTS,
    POOLS,
    SESSIONS,
    WAITING,
)


def to_enrol(event: CloudEvent[EnrolmentRequested], documents: Documents) -> Iterator[ById]:
    """Foresee the edition and who is enrolled already; once the edition is there, the seats of its sessions."""
    asked = event.data
    people = [asked.participant, *(companion.participant for companion in asked.companions)]
    yield from (ById(PARTICIPANTS, participant_key(asked.edition_id, person)) for person in people)
    yield need(EditionSettling, asked.edition_id)
    yield (edition_id := ById(EDITIONS, asked.edition_id))
    if edition := documents.glimpse(*edition_id):
        for session in attending(asked, edition):
            yield from _seats(session.pool)
            yield ById(SESSIONS, "/".join(session.key))


def to_cancel(event: CloudEvent[EnrolmentCancellationRequested], documents: Documents) -> Iterator[ById]:
    """Foresee the enrolment; once it is there, its companions' and all that it holds."""
    yield (enrolment_id := ById(ENROLMENTS, event.data.enrolment_id))
    enrolment = documents.glimpse(*enrolment_id)
    if enrolment is None:
        return
    yield from to_end(enrolment, documents)


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
            yield from _seats(edition.pool_of(place.session_id))
        yield ById(SESSIONS, f"{enrolment.edition_id}/{place.session_id}")
        if place.state == "queued":
            yield ById(WAITING, turn_id(enrolment.party_id, place.session_id))


def to_tell_again(event: CloudEvent[AnswerRequested], _: Documents) -> Iterator[ById]:
    """Foresee the request's record, and whether it waits still."""
    key = request_key(event)
    yield ById(DECIDED, key)
    yield ById(PARKED, key)


def request_key(event: CloudEvent[AnswerRequested]) -> str:
    """Return the key ("source id") of the request whose answer is asked for."""
    return f"{event.data.request_source or event.source} {event.data.request_id}"


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
            yield from _seats(pool)
        if len(pools) > 1 or id not in before:
            yield ById(SESSIONS, f"{published.edition_id}/{id}")


def to_end_wait(event: CloudEvent[WaitEnded], _: Documents) -> Iterator[Need]:
    """Foresee who has waited for longest, and the edition, which may have come."""
    edition_id = event.data.edition_id
    yield need(WaitEnded, edition_id)
    yield ById(PARKINGS, edition_id)
    yield ById(EDITIONS, edition_id)
    yield First(PARKED_BY_EDITION, edition_id, deciding.PORTION)


def to_try_again(event: CloudEvent[AsideTried], documents: Documents) -> Iterator[ById]:
    """Foresee the request; once it is there, what deciding it takes."""
    yield need(AsideTried, event.data.request)
    yield (parked_id := ById(PARKED, event.data.request))
    if parked := documents.glimpse(*parked_id):
        yield ById(PARKINGS, parked.edition_id)
        yield from to_unpark(parked, documents)


def to_unpark(parked: Parked, documents: Documents) -> Iterator[ById]:
    """Foresee what deciding a request that waited takes, or setting it aside; of one that cannot be read, no more."""
    yield need(AsideTried, parked.id)
    with suppress(ValueError):
        yield from to_enrol(asked_in(parked), documents)


def to_settle(event: CloudEvent[EditionSettling], _: Documents) -> Iterator[ById]:
    """Foresee what is left, the edition, its sessions' counts, and whether anybody waits for it."""
    edition_id = event.data.edition_id
    yield need(EditionSettling, edition_id)
    yield ById(EDITIONS, edition_id)
    yield ById(PARKINGS, edition_id)
    yield from (ById(SESSIONS, f"{edition_id}/{id}") for id in event.data.session_ids)


def to_serve(event: CloudEvent[PoolServing], _: Documents) -> Iterator[ById]:
    """Foresee what is left, and the pool."""
    yield from _seats(event.data.pool)


def _seats(pool: str) -> Iterator[ById]:
    """Foresee a pool, and whether its waiting list is being served."""
    yield ById(POOLS, pool)
    yield need(PoolServing, pool)
