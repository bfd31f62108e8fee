"""Which pool a session takes its seats from: where that changes, its seats and its waiting list go along.

What is kept of a session (its places, turns and count) does not name its pool, so a move changes two pools and nothing
else, however many people are in the session.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

from services.enrolment.domain.decision import Decision
from services.enrolment.domain.edition import Edition, Session, own_pool
from services.enrolment.domain.seats import Pool
from services.enrolment.domain.transitions import move, offer


def house(decision: Decision, known: Edition | None, edition: Edition) -> tuple[str, ...]:
    """Let each session of an edition take its seats from where the catalogue says now.

    `known` is the edition as it was. Returns every pool that may have seats to give now: also those that were left.
    """
    touched: dict[str, None] = {}
    for id in dict.fromkeys(chain(known.sessions if known else (), edition.sessions)):
        before, after = known.pool_of(id) if known else own_pool(edition.id, id), edition.pool_of(id)
        _settle(decision, known if id not in edition.sessions and known else edition, (id, before, after))
        touched |= dict.fromkeys((before, after))
    there = [pool for id in touched if (pool := decision.register.pools.get(id))]
    for pool in there:
        _offer(decision, pool)
    return tuple(pool.id for pool in there)


def _settle(decision: Decision, edition: Edition, stay: tuple[str, str, str]) -> None:
    """Have a session of this edition draw on a pool, unless it does already."""
    session_id, before_id, after_id = stay
    session, after = edition.sessions[session_id], decision.register.pools.get(after_id)
    if not after or session.key not in after.sessions:
        move(decision, session, before_id, after_id)


def _offer(decision: Decision, pool: Pool) -> None:
    """Let a pool offer what its sessions say; seats given before stay given when there are fewer now."""
    decision.register.require_editions(edition_id for edition_id, _ in pool.sessions)
    offer(decision, pool, offered(pool, decision.register.editions.get))


def offered(pool: Pool, edition: Callable[[str], Edition | None]) -> int | None:
    """Return the fewest seats that one of a pool's sessions has, of those that go ahead; None is no limit.

    Editions that share seats are published one by one: until all of them say the same, none gets more than it says.
    """
    sessions = list(_sessions(pool, edition))
    if not sessions:
        return pool.capacity
    going_ahead = [session for of, session in sessions if of.goes_ahead(session.id)]
    counted = going_ahead or [session for _, session in sessions]
    return min((session.capacity for session in counted if session.capacity is not None), default=None)


def _sessions(pool: Pool, edition: Callable[[str], Edition | None]) -> Iterator[tuple[Edition, Session]]:
    for edition_id, session_id in pool.sessions:
        if (of := edition(edition_id)) and (session := of.sessions.get(session_id)):
            yield of, session
