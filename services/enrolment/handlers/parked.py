"""Deciding requests that waited for their edition, each by itself: one that fails holds up no other.

Such a request was taken in before, so nothing comes of letting it fail as a message would: it is set aside, and tried
again alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from chassis.documents import ById, Documents, First, Need, NotLoaded
from chassis.due import need, plan, taken_up
from chassis.handling import Tell
from instroom_contracts.cloudevent import CloudEvent
from services.enrolment.domain import decision as deciding
from services.enrolment.domain.edition import Edition
from services.enrolment.domain.parked import Parked
from services.enrolment.domain.sentences import Refused
from services.enrolment.handlers.addressing import addressed
from services.enrolment.handlers.decide_request import Asked, decided, rejection, to_decide
from services.enrolment.internal import AsideTried, WaitEnded
from services.enrolment.storage.kinds import EDITIONS, PARKED, PARKED_BY_EDITION, PARKINGS
from services.enrolment.storage.ledger import Ledger
from services.enrolment.storage.parking import asked_in, longest_waiting, set_aside, take, unpark


def to_end_wait(event: CloudEvent[WaitEnded], _: Documents) -> Iterator[Need]:
    """Foresee who has waited for longest, and the edition, which may have come."""
    edition_id = event.data.edition_id
    yield need(WaitEnded, edition_id)
    yield ById(PARKINGS, edition_id)
    yield ById(EDITIONS, edition_id)
    yield First(PARKED_BY_EDITION, edition_id, deciding.PORTION)


def end_wait(event: CloudEvent[WaitEnded], documents: Documents, now: datetime) -> Sequence[Tell]:
    """Decide requests that waited long enough: refuse them, unless their edition has come in the meantime."""
    edition_id = event.data.edition_id
    if taken_up(documents, event, edition_id) is None:
        return ()
    first, are_all = longest_waiting(documents, edition_id, deciding.PORTION)
    ended = [parked for parked in first if parked.until <= now]
    documents.require(need for parked in ended for need in to_unpark(parked, documents))
    tells: list[Tell] = []
    for parked in ended:
        take(documents, parked)
        tells += decide_in_turn(parked, Ledger(documents).editions.get(edition_id), documents, event, now)
    later = [parked.until for parked in first if parked.until > now]
    if later or not are_all:
        plan(documents, event, event.data, edition_id, min(later) if are_all else now)
    return tells


def to_try_again(event: CloudEvent[AsideTried], documents: Documents) -> Iterator[ById]:
    """Foresee the request; once it is there, what deciding it takes."""
    yield need(AsideTried, event.data.request)
    yield (parked_id := ById(PARKED, event.data.request))
    if parked := documents.glimpse(*parked_id):
        yield ById(PARKINGS, parked.edition_id)
        yield from to_unpark(parked, documents)


def try_again(event: CloudEvent[AsideTried], documents: Documents, now: datetime) -> Sequence[Tell]:
    """Decide a request that was set aside, unless that was done."""
    if taken_up(documents, event, event.data.request) is None:
        return ()
    parked = unpark(documents, event.data.request)
    if parked is None:
        return ()
    asked = asked_in(parked)
    return _answered(asked, Ledger(documents).editions.get(asked.data.edition_id), documents, now)


def to_unpark(parked: Parked, documents: Documents) -> Iterator[ById]:
    """Foresee what deciding a request that waited takes, or setting it aside; of one that cannot be read, no more."""
    yield need(AsideTried, parked.id)
    with suppress(ValueError):
        yield from to_decide(asked_in(parked), documents)


def decide_in_turn(
    parked: Parked, edition: Edition | None, documents: Documents, by: CloudEvent[Any], now: datetime
) -> list[Tell]:
    """Decide a request whose turn it is, or set it aside where that fails."""
    try:
        with documents.undone_where_it_fails():
            return _answered(asked_in(parked), edition, documents, now)
    except NotLoaded:
        raise
    except Exception:  # noqa: BLE001  whatever a defect is, it concerns this request alone; the next try holds it
        set_aside(documents, parked, by, now)
        return []


def _answered(asked: Asked, edition: Edition | None, documents: Documents, now: datetime) -> list[Tell]:
    """Decide a request, for an edition that is there or will not come."""
    unknown = rejection(asked, Refused("unknown-edition"))
    told = decided(asked, edition, documents, now) if edition else unknown
    return addressed(told, Ledger(documents), asked, parked=True)
