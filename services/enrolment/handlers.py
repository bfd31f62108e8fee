"""What the enrolment service does about each event it hears: read what is kept, let the rules decide, tell."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from chassis.answers import DECIDED
from chassis.documents import Documents
from chassis.due import left_of
from chassis.handling import Tell, ToldBefore
from chassis.senders import ALL_SENDERS, Senders
from instroom_contracts.cloudevent import CloudEvent, InvalidEvent, type_of
from instroom_contracts.enrolment import EnrolmentRejected, RequestAccepted, RequestRefused, SourcesClaimed
from instroom_contracts.intake import AnswerRequested, EnrolmentCancellationRequested, EnrolmentRequested
from services.enrolment.addressing import addressed
from services.enrolment.answering import asker, concluded, decided
from services.enrolment.domain import facts
from services.enrolment.domain.decision import Decision
from services.enrolment.domain.sentences import DEFAULT_LANGUAGE, Refused
from services.enrolment.domain.values import Enrolment, Policy, enrolment_id
from services.enrolment.domain.withdrawal import objection, withdraw
from services.enrolment.internal import EditionSettling
from services.enrolment.ledger import Ledger
from services.enrolment.needs import request_key
from services.enrolment.parking import is_waited_for, park
from services.enrolment.retelling import no_answer
from services.enrolment.storage import PARKED

Asked = CloudEvent[EnrolmentRequested]
CancellationAsked = CloudEvent[EnrolmentCancellationRequested]
AnswerAsked = CloudEvent[AnswerRequested]

NAMED = 10
"""So many sources are named in one sentence: a hundred long ones would be more than an event may say."""


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
    return addressed(concluded(decision, documents, event, asker(event), now), ledger, event)


def assign_sources(event: CloudEvent[SourcesClaimed], documents: Documents, _: datetime) -> Sequence[Tell]:
    """Make sources an account's own, and free those that it had before; all of them, or none where one is taken."""
    account, sources, request = event.data.account, event.data.sources, type_of(SourcesClaimed)
    senders = documents.get(*ALL_SENDERS) or Senders()
    if taken := senders.owned_by_others(account, sources):
        others = f" and {len(taken) - NAMED} more" if len(taken) > NAMED else ""
        detail = f"Another account may speak for {', '.join(taken[:NAMED])}{others}: see `instroom integrator list`."
        return [Tell(RequestRefused(request_type=request, reason="not-yours", detail=detail), account)]
    documents.put(*ALL_SENDERS, senders.with_claim(account, sources))
    return [Tell(RequestAccepted(request_type=request), account)]


def tell_again(event: AnswerAsked, documents: Documents, _: datetime, *, policy: Policy) -> Sequence[Tell]:
    """Tell the answer to a request again as it was, and accept that; or refuse to."""
    asked, request = event.data, type_of(AnswerRequested)
    decided = documents.get(DECIDED, request_key(event))
    waits = documents.get(PARKED, request_key(event)) is not None
    subject = enrolment_id(asked.request_source or event.source, asked.request_id)
    if refused := no_answer(decided, asked.request_source, event.source, policy.course_desks, waits=waits):
        answer = RequestRefused(request_type=request, reason=refused.reason, detail=refused.detail())
        return [Tell(answer, subject, owner=event.source)]
    told = [Tell(ToldBefore(body=body), subject) for body in (decided.answer if decided else ())]
    return [*told, Tell(RequestAccepted(request_type=request), subject, owner=event.source)]


def ask_later(event: AnswerAsked, _: Documents, __: datetime) -> Sequence[Tell]:
    """Refuse to tell an answer again to an account that has asked for too many."""
    refused, subject = Refused("asked-too-often"), enrolment_id(event.source, event.data.request_id)
    answer = RequestRefused(request_type=type_of(AnswerRequested), reason=refused.reason, detail=refused.detail())
    return [Tell(answer, subject, owner=event.source)]


def refuse_invalid(invalid: InvalidEvent) -> Sequence[Tell]:
    """Answer a message that is no valid event with what is wrong where."""
    refused = Refused("invalid-request")
    errors = invalid.problems
    answer: EnrolmentRejected | RequestRefused
    if invalid.type == type_of(EnrolmentRequested):
        answer = EnrolmentRejected(reason=refused.reason, detail=refused.detail(), errors=errors)
    else:
        answer = RequestRefused(
            request_type=invalid.type, reason=refused.reason, detail=refused.detail(), errors=errors
        )
    return (Tell(answer, enrolment_id(invalid.source or "", invalid.id or ""), owner=invalid.source),)


def _refusal(event: CancellationAsked, refused: Refused, enrolment: Enrolment | None) -> RequestRefused:
    language = enrolment.participant.language if enrolment else DEFAULT_LANGUAGE
    return facts.refused(type(event.data), refused, event.data.enrolment_id, language)
