"""The answers that Instroom could give, so that a publisher under test can go on; nothing is decided."""

from __future__ import annotations

from typing import Any

from instroom_checking.publishing import Request
from instroom_contracts.cloudevent import CloudEvent, EventData, InvalidEvent, new_event
from instroom_contracts.enrolment import (
    EnrolmentCancelled,
    EnrolmentConfirmed,
    EnrolmentRejected,
    Place,
    RequestAccepted,
    RequestRefused,
)
from instroom_contracts.intake import EnrolmentCancellationRequested, EnrolmentRequested

SOURCE = "urn:nld:oin:00000001823288444000:systeem:instroom-check"
EDITION = "integration-check"
SESSION = "sessie-1"
INVALID = "This request is not valid: `errors` says what is wrong. (A check's answer; nothing was decided.)"


def answer_to(request: Request) -> CloudEvent[Any] | None:
    """Return the answer to a message; None where its sender could not be told."""
    if request.key is None:
        return None
    source, id = request.key
    return new_event(_data(request), source=SOURCE, correlationid=id, correlationsource=source, causationid=id)


def _data(request: Request) -> EventData:
    if isinstance(request.read, InvalidEvent):
        if request.sent.routing_key.startswith("nl.enrolments.enrolment-requested."):
            return EnrolmentRejected(reason="invalid-request", detail=INVALID, errors=request.problems)
        return RequestRefused(reason="invalid-request", detail=INVALID, errors=request.problems)
    data = request.read.data
    if isinstance(data, EnrolmentRequested):
        sessions = data.session_ids or (SESSION,)
        places = tuple(Place(session_id=session, state="confirmed", session_version=1) for session in sessions)
        return EnrolmentConfirmed(
            enrolment_id=f"check-{request.read.id}"[:64], edition_id=data.edition_id, places=places
        )
    if isinstance(data, EnrolmentCancellationRequested):
        return EnrolmentCancelled(
            enrolment_id=data.enrolment_id, edition_id=EDITION, session_ids=(SESSION,), cause="cancellation"
        )
    return RequestAccepted(request_type=request.read.type)
