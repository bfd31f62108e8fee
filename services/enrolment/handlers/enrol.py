"""A request to enrol: decided at once, or parked where its edition is not known yet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from chassis.documents import Documents
from chassis.due import left_of
from chassis.handling import Tell
from services.enrolment.domain.policy import Policy
from services.enrolment.handlers.addressing import addressed
from services.enrolment.handlers.decide_request import Asked, decided
from services.enrolment.internal import EditionSettling
from services.enrolment.storage.ledger import Ledger
from services.enrolment.storage.parking import is_waited_for, park


def enrol(event: Asked, documents: Documents, now: datetime, *, policy: Policy) -> Sequence[Tell]:
    """Enrol a participant or refuse them; where the edition is not known yet, let the request wait for it.

    So it does while others wait still whose edition has come: it lines up behind them.
    """
    ledger = Ledger(documents)
    edition = ledger.editions.get(event.data.edition_id)
    if edition is None or _others_come_first(documents, edition.id):
        park(event, documents, now, policy.parking)
        return ()
    return addressed(decided(event, edition, documents, now), ledger, event)


def _others_come_first(documents: Documents, edition_id: str) -> bool:
    """Say whether requests that waited for an edition are still being decided."""
    return left_of(documents, EditionSettling, edition_id) is not None and is_waited_for(documents, edition_id)
