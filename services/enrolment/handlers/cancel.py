"""A request to cancel an enrolment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from chassis.documents import ById, Documents
from chassis.handling import Tell
from instroom_contracts.cloudevent import CloudEvent
from instroom_contracts.enrolment import RequestRefused
from instroom_contracts.intake import EnrolmentCancellationRequested
from instroom_contracts.origin import as_origin
from services.enrolment.domain import facts
from services.enrolment.domain.decision import Decision
from services.enrolment.domain.enrolment import Enrolment
from services.enrolment.domain.policy import Policy
from services.enrolment.domain.sentences import DEFAULT_LANGUAGE, Refused
from services.enrolment.domain.withdrawal import objection, withdraw
from services.enrolment.handlers.addressing import addressed
from services.enrolment.handlers.concluding import concluded
from services.enrolment.storage.kinds import ENROLMENTS
from services.enrolment.storage.ledger import Ledger
from services.enrolment.storage.needs import to_end

CancellationAsked = CloudEvent[EnrolmentCancellationRequested]


def to_cancel(event: CancellationAsked, documents: Documents) -> Iterator[ById]:
    """Foresee the enrolment; once it is there, its companions' and all that it holds."""
    yield (enrolment_id := ById(ENROLMENTS, event.data.enrolment_id))
    enrolment = documents.glimpse(*enrolment_id)
    if enrolment is None:
        return
    yield from to_end(enrolment, documents)


def cancel_enrolment(
    event: CancellationAsked, documents: Documents, now: datetime, *, policy: Policy
) -> Sequence[Tell]:
    """Cancel an enrolment and give what it held to whoever waits, or refuse to."""
    ledger = Ledger(documents)
    enrolment = ledger.enrolments.get(event.data.enrolment_id)
    refused = objection(enrolment, event.source, policy.course_desks, ledger)
    if enrolment is None or refused:
        return addressed([_refusal(event, refused or Refused("unknown-enrolment"), enrolment)], ledger, event)
    decision = Decision(ledger, event.time, now)
    withdraw(decision, enrolment, "cancellation")
    return addressed(concluded(decision, documents, event, as_origin(event), now), ledger, event)


def _refusal(event: CancellationAsked, refused: Refused, enrolment: Enrolment | None) -> RequestRefused:
    language = enrolment.participant.language if enrolment else DEFAULT_LANGUAGE
    return facts.refused(type(event.data), refused, event.data.enrolment_id, language)
