"""Deciding a request for a known edition, whether it came just now or has waited for that."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from chassis.documents import ById, Documents
from chassis.due import need
from instroom_contracts.cloudevent import CloudEvent, EventData
from instroom_contracts.intake import EnrolmentRequested
from instroom_contracts.origin import as_origin
from services.enrolment.domain import facts, places, rules
from services.enrolment.domain.decision import Decision
from services.enrolment.domain.edition import Edition
from services.enrolment.domain.ids import enrolment_id, participant_key
from services.enrolment.domain.register import Register
from services.enrolment.domain.request import Request, attending
from services.enrolment.domain.sentences import Refused
from services.enrolment.handlers.concluding import concluded
from services.enrolment.internal import EditionSettling
from services.enrolment.storage.kinds import EDITIONS, PARTICIPANTS, SESSIONS
from services.enrolment.storage.ledger import Ledger
from services.enrolment.storage.needs import seats

Asked = CloudEvent[EnrolmentRequested]


def to_decide(event: Asked, documents: Documents) -> Iterator[ById]:
    """Foresee the edition and who is enrolled already; once the edition is there, the seats of its sessions."""
    asked = event.data
    people = [asked.participant, *(companion.participant for companion in asked.companions)]
    yield from (ById(PARTICIPANTS, participant_key(asked.edition_id, person)) for person in people)
    yield need(EditionSettling, asked.edition_id)
    yield (edition_id := ById(EDITIONS, asked.edition_id))
    if edition := documents.glimpse(*edition_id):
        for session in attending(asked, edition):
            yield from seats(session.pool)
            yield ById(SESSIONS, "/".join(session.key))


def decided(event: Asked, edition: Edition, documents: Documents, now: datetime) -> list[EventData]:
    """Decide a request for a known edition; return what that tells."""
    register = Ledger(documents)
    request = Request.of(event, edition)
    decision = Decision(register, event.time, now)
    refused = rules.first_failing(request, register) or places.enrol(decision, request)
    if refused:
        decision.told.extend(rejection(event, refused, _in_the_way(request, refused, register)))
    return concluded(decision, documents, event, as_origin(event), now)


def rejection(event: Asked, refused: Refused, in_the_way: str | None = None) -> list[EventData]:
    """Answer a request with a refusal, and have it mailed."""
    asked, id = event.data, enrolment_id(event.source, event.id)
    return [
        facts.rejected(asked.edition_id, refused, asked.participant.language, in_the_way),
        facts.refusal_notice(id, asked.edition_id, asked.participant, refused),
    ]


def _in_the_way(request: Request, refused: Refused, register: Register) -> str | None:
    """Return the enrolment that the participant has already, if it is the asking source's to know."""
    live = register.live.get(request.party[0].key) if refused.reason == "already-enrolled" else None
    return live.enrolment_id if live and live.source == request.source else None
