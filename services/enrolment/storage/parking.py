"""Requests that wait for their edition, whose fact may still be on its way: kept in order, each for a limited time."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from chassis.documents import Documents
from chassis.due import plan
from instroom_contracts.cloudevent import CloudEvent
from instroom_contracts.fields import ACCEPTED_BEFORE
from instroom_contracts.intake import EnrolmentRequested
from services.enrolment.domain.parked import Parked, Parking
from services.enrolment.internal import AsideTried, WaitEnded
from services.enrolment.storage.kinds import PARKED, PARKED_BY_EDITION, PARKINGS

Asked = CloudEvent[EnrolmentRequested]

ASIDE = "(set aside)"
"""Stands for the edition of requests that are set aside; no edition has such an id."""


def park(event: Asked, documents: Documents, now: datetime, wait: timedelta) -> None:
    """Let a request wait behind those that wait for the same edition."""
    edition_id = event.data.edition_id
    parking = documents.get(PARKINGS, edition_id)
    if parking is None:
        plan(documents, event, WaitEnded(edition_id=edition_id), edition_id, now + wait)
        parking = Parking(edition_id)
    parking = replace(parking, last=parking.last + 1, waiting=parking.waiting + 1)
    documents.put(PARKINGS, edition_id, parking)
    id = f"{event.source} {event.id}"
    documents.put(PARKED, id, Parked(id, edition_id, parking.last, now + wait, event.model_dump_json()))


def is_waited_for(documents: Documents, edition_id: str) -> bool:
    """Say whether requests wait for an edition."""
    return documents.get(PARKINGS, edition_id) is not None


def longest_waiting(documents: Documents, edition_id: str, most: int) -> tuple[list[Parked], bool]:
    """Return the first requests that wait for an edition, in their order, and say whether these are all."""
    head = documents.first(PARKED_BY_EDITION, edition_id, most)
    return [parked for _, parked in head.members[:most]], head.complete and len(head.members) <= most


def unpark_edition(documents: Documents, edition_id: str, most: int) -> tuple[list[Parked], bool]:
    """Take out the first requests that wait for an edition, in their order, and say whether these are all."""
    if not is_waited_for(documents, edition_id):
        return [], True
    taken, are_all = longest_waiting(documents, edition_id, most)
    for parked in taken:
        take(documents, parked)
    return taken, are_all


def unpark(documents: Documents, id: str) -> Parked | None:
    """Take out one request by its id ("source id"); None where it was decided already."""
    parked = documents.get(PARKED, id)
    if parked:
        take(documents, parked)
    return parked


def set_aside(documents: Documents, parked: Parked, by: CloudEvent[Any], now: datetime) -> None:
    """Keep a request that was taken out and could not be decided; it stands in nobody's way, and is tried again."""
    documents.put(PARKED, parked.id, replace(parked, edition_id=ASIDE))
    plan(documents, by, AsideTried(request=parked.id), parked.id, now)


def take(documents: Documents, parked: Parked) -> None:
    """Take out a request that is to be decided."""
    documents.put(PARKED, parked.id, None)
    parking = documents.get(PARKINGS, parked.edition_id)
    if parking:
        left = replace(parking, waiting=parking.waiting - 1) if parking.waiting > 1 else None
        documents.put(PARKINGS, parked.edition_id, left)


def asked_in(parked: Parked) -> Asked:
    """Return the request that was parked; what was accepted stays accepted, whatever rule a new release brings."""
    return Asked.model_validate_json(parked.event, context=ACCEPTED_BEFORE)
