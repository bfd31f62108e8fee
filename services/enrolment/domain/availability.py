"""Telling of sessions that a decision filled or reopened."""

from __future__ import annotations

from instroom_contracts.enrolment import SessionFull, SessionReopened
from services.enrolment.domain import facts, transitions
from services.enrolment.domain.decision import Decision
from services.enrolment.domain.edition import Session
from services.enrolment.domain.ids import SessionKey
from services.enrolment.domain.seats import Pool


def tell_availability(decision: Decision) -> None:
    """Tell of every session that this decision as a whole filled or reopened.

    Of a pool that is being served further, the last portion tells, which knows how it was before the first.
    """
    for pool, key, had in decision.touched():
        if (had > 0) != (pool.free > 0):
            _tell_session(decision, pool, key)


def _tell_session(decision: Decision, pool: Pool, key: SessionKey) -> None:
    """Tell that a session that goes ahead is full; that it reopened only where a seat is still of use."""
    if pool.free == 0 and decision.goes_ahead(*key):
        _tell(decision, SessionFull, pool, key)
    elif pool.free > 0 and decision.still_offered(*key):
        _tell(decision, SessionReopened, pool, key)


def tell_again_offered(decision: Decision, session: Session) -> None:
    """Tell how a session stands that was called off and goes ahead after all: what was told before may be wrong."""
    pool = decision.register.pools.get(session.pool)
    if pool and not decision.lags(pool.id) and decision.still_offered(*session.key):
        _tell(decision, SessionReopened if pool.free > 0 else SessionFull, pool, session.key)


def _tell(decision: Decision, fact: type[facts.SeatsFact], pool: Pool, key: SessionKey) -> None:
    """Tell it, unless there is no limit any more: the fact names one, and EditionPublished has told that it is gone."""
    if pool.capacity is not None:
        decision.told.append(facts.seats(fact, pool.capacity, transitions.number_fact(decision, key)))
