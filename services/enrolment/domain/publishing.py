"""Taking in an edition: its pools offer what the catalogue says now, and whoever waits gets what became free."""

from __future__ import annotations

from instroom_contracts.catalog import EditionPublished
from services.enrolment.domain.decision import Decision
from services.enrolment.domain.edition import Edition, Session
from services.enrolment.domain.promotion import serve
from services.enrolment.domain.values import Pool, SessionKey


def take_in(decision: Decision, published: EditionPublished) -> Edition | None:
    """Keep a newly published edition; None where this version or a later one is kept already."""
    known = decision.register.edition(published.edition_id)
    if known and known.version >= published.version:
        return None
    edition = Edition.of(published)
    decision.register.keep_edition(edition)
    pools = _by_pool(edition)
    for id, sessions in pools.items():
        _offer(decision, id, sessions)
    for id in pools:
        serve(decision, id)
    return edition


def _by_pool(edition: Edition) -> dict[str, list[Session]]:
    pools: dict[str, list[Session]] = {}
    for session in edition.sessions.values():
        pools.setdefault(session.pool, []).append(session)
    return pools


def _offer(decision: Decision, id: str, sessions: list[Session]) -> None:
    """Let a pool offer these sessions' seats; seats given before stay given when there are fewer now."""
    capacity = sessions[0].capacity
    keys: tuple[SessionKey, ...] = tuple(session.key for session in sessions)
    before = decision.register.pool(id) or Pool(id, capacity, capacity)
    decision.change_pool(before, before.offer(capacity, keys))
