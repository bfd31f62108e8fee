"""Deciding requests that waited for their edition, each by itself: one that fails holds up no other.

Such a request was taken in before, so nothing comes of letting it fail as a message would: it is set aside, and the
timer has it tried again alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from chassis.documents import Documents, NotLoaded
from chassis.handling import Tell
from instroom_contracts.cloudevent import CloudEvent
from services.enrolment.addressing import addressed
from services.enrolment.answering import Asked, decided, rejection
from services.enrolment.domain.edition import Edition
from services.enrolment.domain.sentences import Refused
from services.enrolment.domain.values import Parked
from services.enrolment.internal import ParkingExpired
from services.enrolment.ledger import Ledger
from services.enrolment.parking import asked_in, set_aside, unpark


def expire_parked(event: CloudEvent[ParkingExpired], documents: Documents, now: datetime) -> Sequence[Tell]:
    """Decide requests that waited long enough: refuse them, unless their edition has come in the meantime."""
    ledger = Ledger(documents)
    tells: list[Tell] = []
    for id in event.data.requests:
        if parked := unpark(documents, id):
            asked = asked_in(parked)
            tells += _answered(asked, ledger.edition(asked.data.edition_id), documents, now)
    return tells


def decide_in_turn(parked: Parked, edition: Edition, documents: Documents, now: datetime) -> list[Tell]:
    """Decide a request whose turn it is now that its edition has come, or set it aside where that fails."""
    try:
        with documents.undone_where_it_fails():
            return _answered(asked_in(parked), edition, documents, now)
    except NotLoaded:
        raise
    except Exception:  # noqa: BLE001  whatever a defect is, it concerns this request alone; the timer's try holds it
        set_aside(documents, parked)
        return []


def _answered(asked: Asked, edition: Edition | None, documents: Documents, now: datetime) -> list[Tell]:
    """Decide a request, for an edition that is there or will not come."""
    unknown = rejection(asked, Refused("unknown-edition"))
    told = decided(asked, edition, documents, now) if edition else unknown
    return addressed(told, Ledger(documents), asked, parked=True)
