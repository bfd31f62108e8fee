"""Taking in an edition: its pools offer what the catalogue says now, and whoever waits gets what became free."""

from __future__ import annotations

from instroom_contracts.catalog import EditionPublished
from services.enrolment.domain.decision import Decision
from services.enrolment.domain.edition import Edition
from services.enrolment.domain.pools import house
from services.enrolment.domain.promotion import serve


def take_in(decision: Decision, published: EditionPublished) -> Edition | None:
    """Keep a newly published edition; None where this version or a later one is kept already."""
    known = decision.register.editions.get(published.edition_id)
    if known and known.version >= published.version:
        return None
    edition = Edition.of(published)
    decision.register.editions.keep(edition)
    for pool_id in house(decision, known, edition):
        serve(decision, pool_id)
    return edition
