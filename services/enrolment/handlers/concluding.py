"""Closing a decision: what it tells, and what it leaves to portions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from chassis.documents import Documents
from chassis.due import go_on, left_of
from instroom_contracts.cloudevent import CloudEvent, EventData
from instroom_contracts.origin import Origin
from services.enrolment.domain.availability import tell_availability
from services.enrolment.domain.decision import Decision
from services.enrolment.domain.seats import UNLIMITED
from services.enrolment.internal import PoolServing


def concluded(
    decision: Decision, documents: Documents, by: CloudEvent[Any], origin: Origin, now: datetime
) -> list[EventData]:
    """Close a decision: tell of sessions that it filled or reopened, and have lists that are behind served further."""
    tell_availability(decision)
    for pool_id in sorted(decision.behind):
        rest = _to_be_served(decision, pool_id, left_of(documents, PoolServing, pool_id))
        go_on(documents, by, rest, pool_id, moment=decision.moment, origin=origin, now=now)
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
