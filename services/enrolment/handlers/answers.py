"""A request for an answer that was told before."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from chassis.documents import ById, Documents
from chassis.handling import Tell, ToldBefore
from chassis.replies import DECIDED, Decided
from instroom_contracts.cloudevent import CloudEvent, type_of
from instroom_contracts.enrolment import RequestAccepted, RequestRefused
from instroom_contracts.intake import AnswerRequested
from services.enrolment.domain.ids import enrolment_id
from services.enrolment.domain.policy import Policy
from services.enrolment.domain.sentences import Refused
from services.enrolment.storage.kinds import PARKED

AnswerAsked = CloudEvent[AnswerRequested]


def to_tell_again(event: AnswerAsked, _: Documents) -> Iterator[ById]:
    """Foresee the request's record, and whether it waits still."""
    key = _key(event)
    yield ById(DECIDED, key)
    yield ById(PARKED, key)


def tell_again(event: AnswerAsked, documents: Documents, _: datetime, *, policy: Policy) -> Sequence[Tell]:
    """Tell the answer to a request again as it was, and accept that; or refuse to."""
    asked, request = event.data, type_of(AnswerRequested)
    decided = documents.get(DECIDED, _key(event))
    waits = documents.get(PARKED, _key(event)) is not None
    subject = enrolment_id(asked.request_source or event.source, asked.request_id)
    if refused := no_answer(decided, asked.request_source, event.source, policy.course_desks, waits=waits):
        answer = RequestRefused(request_type=request, reason=refused.reason, detail=refused.detail())
        return [Tell(answer, subject, owner=event.source)]
    told = [Tell(ToldBefore(body=body), subject) for body in (decided.replies if decided else ())]
    return [*told, Tell(RequestAccepted(request_type=request), subject, owner=event.source)]


def no_answer(
    decided: Decided | None, owner: str | None, asker: str, course_desks: Collection[str], *, waits: bool
) -> Refused | None:
    """Return why the answer to a request cannot be told again, or None.

    `owner` is the request's source where the asker names one. A request that is being decided, or `waits` for its
    edition, has its answer told without being asked.
    """
    if owner not in {None, asker} and asker not in course_desks:
        return Refused("not-yours", "request")
    if decided is None:
        return Refused("unknown-request")
    if decided.replies or decided.under_way or waits:
        return None
    return Refused("answer-not-kept")


def ask_later(event: AnswerAsked, _: Documents, __: datetime) -> Sequence[Tell]:
    """Refuse to tell an answer again to an account that has asked for too many."""
    refused, subject = Refused("asked-too-often"), enrolment_id(event.source, event.data.request_id)
    answer = RequestRefused(request_type=type_of(AnswerRequested), reason=refused.reason, detail=refused.detail())
    return [Tell(answer, subject, owner=event.source)]


def _key(event: AnswerAsked) -> str:
    """Return the key ("source id") of the request whose answer is asked for."""
    return f"{event.data.request_source or event.source} {event.data.request_id}"
