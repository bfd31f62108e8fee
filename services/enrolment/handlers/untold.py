"""Telling notification of places that 0.2.0 took back, once, in portions (see `unsettled.py`).

Most of them notification knows of, and then that changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from chassis.documents import Documents
from chassis.due import go_on, taken_up
from chassis.handling import Tell
from instroom_contracts.cloudevent import CloudEvent
from instroom_contracts.origin import origin_of
from services.enrolment.domain import decision as deciding
from services.enrolment.domain.decision import Decision
from services.enrolment.domain.transitions import withdraw_again
from services.enrolment.handlers.addressing import addressed
from services.enrolment.internal import PlacesUntold
from services.enrolment.storage.kinds import ENROLMENTS_BY_SESSION, UNTOLD
from services.enrolment.storage.ledger import Ledger


def tell_of_places_gone(event: CloudEvent[PlacesUntold], documents: Documents, now: datetime) -> Sequence[Tell]:
    """Tell of those of a portion of enrolments, which are written anew, and so are found no more.

    It is told as of now, since nobody knows when they were given up: what is over by now costs no mail.
    """
    left = taken_up(documents, event, UNTOLD)
    if left is None:
        return ()
    ledger = Ledger(documents)
    decision = Decision(ledger, now, now)
    ended = documents.first(ENROLMENTS_BY_SESSION, UNTOLD, deciding.PORTION)
    for _, enrolment in ended.members:
        withdraw_again(decision, enrolment, "cancellation")
    if not ended.complete:
        go_on(documents, event, left.data, UNTOLD, moment=now, origin=origin_of(event), now=now)
    return addressed(decision.told, ledger, event)
