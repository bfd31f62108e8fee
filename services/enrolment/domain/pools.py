"""Which pool a session takes its seats from: where that changes, its seats and its waiting list go along.

What is kept of a session (its places, turns and count) does not name its pool, so a move changes two pools and nothing
else, however many people are in the session.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

from services.enrolment.domain.decision import Decision
from services.enrolment.domain.edition import Edition, Session, own_pool
from services.enrolment.domain.register import Register
from services.enrolment.domain.values import UNLIMITED, Pool, SessionCount, SessionKey


def pool_now(register: Register, session: SessionKey) -> str:
    """Return the id of the pool that a session takes its seats from now."""
    edition_id, session_id = session
    edition = register.edition(edition_id)
    return edition.pool_of(session_id) if edition else own_pool(edition_id, session_id)


def house(decision: Decision, known: Edition | None, edition: Edition) -> tuple[str, ...]:
    """Let each session of an edition take its seats from where the catalogue says now.

    `known` is the edition as it was. Returns every pool that may have seats to give now: also those that were left.
    """
    touched: dict[str, None] = {}
    for id in dict.fromkeys(chain(known.sessions if known else (), edition.sessions)):
        before, after = known.pool_of(id) if known else own_pool(edition.id, id), edition.pool_of(id)
        _settle(decision, known if id not in edition.sessions and known else edition, (id, before, after))
        touched |= dict.fromkeys((before, after))
    there = tuple(id for id in touched if decision.register.pool(id))
    for id in there:
        _offer(decision, id)
    return there


def _settle(decision: Decision, edition: Edition, stay: tuple[str, str, str]) -> None:
    """Have a session of this edition draw on a pool, and no longer on the one before where that is another."""
    session_id, before_id, after_id = stay
    session, register = edition.sessions[session_id], decision.register
    after = register.pool(after_id)
    if after and session.key in after.sessions:
        return
    count, before = register.count(session.key), register.pool(before_id)
    last = 0
    if before and session.key in before.sessions:
        last = before.last
        decision.moved(session.key, decision.free_before(before))
        decision.change_pool(before, _left(before, count))
    elif after:
        decision.moved(session.key, UNLIMITED)
    after = after or Pool(after_id, session.capacity, session.capacity)
    decision.change_pool(after, _joined(after, count, last))


def _left(pool: Pool, count: SessionCount) -> Pool:
    key = (count.edition_id, count.session_id)
    taken, waiting = pool.taken - count.confirmed, pool.waiting - count.waiting
    sessions = tuple(other for other in pool.sessions if other != key)
    return Pool(pool.id, pool.capacity, None, taken, pool.last, waiting, sessions).capped()


def _joined(pool: Pool, count: SessionCount, last: int) -> Pool:
    """Add a session; the next turn comes behind all that it brings along."""
    sessions = (*pool.sessions, (count.edition_id, count.session_id))
    taken, waiting = pool.taken + count.confirmed, pool.waiting + count.waiting
    return Pool(pool.id, pool.capacity, None, taken, max(pool.last, last), waiting, sessions).capped()


def _offer(decision: Decision, id: str) -> None:
    """Let a pool offer what its sessions say; seats given before stay given when there are fewer now."""
    register = decision.register
    if pool := register.pool(id):
        register.require_editions(edition_id for edition_id, _ in pool.sessions)
        decision.change_pool(pool, pool.offer(offered(pool, register.edition)))


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
