"""A message that is no valid event."""

from __future__ import annotations

from collections.abc import Sequence

from chassis.handling import Tell
from instroom_contracts.cloudevent import InvalidEvent, type_of
from instroom_contracts.enrolment import EnrolmentRejected, RequestRefused
from instroom_contracts.intake import EnrolmentRequested
from services.enrolment.domain.ids import enrolment_id
from services.enrolment.domain.sentences import Refused


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
