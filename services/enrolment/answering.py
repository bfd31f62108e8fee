"""Deciding a request for a known edition, and closing any decision: what it tells, and what it leaves to portions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from chassis.documents import Documents
from chassis.due import go_on, left_of
from chassis.handling import Cause
from instroom_contracts.cloudevent import CloudEvent, EventData
from instroom_contracts.intake import EnrolmentRequested
from services.enrolment.domain import facts, places, rules
from services.enrolment.domain.availability import tell_availability
from services.enrolment.domain.decision import Decision
from services.enrolment.domain.edition import Edition
from services.enrolment.domain.register import Register
from services.enrolment.domain.request import Request
from services.enrolment.domain.sentences import Refused
from services.enrolment.domain.values import UNLIMITED, enrolment_id
from services.enrolment.internal import PoolServing
from services.enrolment.ledger import Ledger

Asked = CloudEvent[EnrolmentRequested]


def decided(event: Asked, edition: Edition, documents: Documents, now: datetime) -> list[EventData]:
    """Decide a request for a known edition; return what that tells."""
    register = Ledger(documents)
    request = Request.of(event, edition)
    decision = Decision(register, event.time, now)
    refused = rules.first_failing(request, register) or places.enrol(decision, request)
    if refused:
        decision.told.extend(rejection(event, refused, _in_the_way(request, refused, register)))
    return concluded(decision, documents, event, asker(event), now)


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


def asker(event: CloudEvent[Any]) -> Cause:
    """Return what goes back to an event from outside: itself, whatever it names."""
    return Cause(event.id, event.source, event.traceparent)


def concluded(
    decision: Decision, documents: Documents, by: CloudEvent[Any], cause: Cause, now: datetime
) -> list[EventData]:
    """Close a decision: tell of sessions that it filled or reopened, and have lists that are behind served further."""
    tell_availability(decision)
    for pool_id in sorted(decision.behind):
        rest = _to_be_served(decision, pool_id, left_of(documents, PoolServing, pool_id))
        go_on(documents, by, rest, pool_id, moment=decision.moment, cause=cause, now=now)
    return decision.told


def _to_be_served(decision: Decision, pool_id: str, before: PoolServing | None) -> PoolServing:
    """Leave a list to portions, with what its sessions had to offer as far as that is told.

    Where there is no limit, the edition itself has told so.
    """
    pool = decision.register.pools.get(pool_id)
    if pool is None or pool.capacity is None:
        return PoolServing(pool=pool_id, free=UNLIMITED)
    moved = {(one[0], one[1]): one for one in (before.moved if before else ())}
    moved |= {key: (*key, had) for key, had in decision.moved_to(pool).items()}
    return PoolServing(
        pool=pool_id, free=before.free if before else decision.free_before(pool), moved=tuple(moved.values())
    )
