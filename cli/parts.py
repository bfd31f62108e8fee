"""A part of the facts: what of them an integrator may read, and the bindings that select it by their attributes.

The integrator's own exchange gets these facts and no others, and is the only one that its account may read. See
docs/decisions/0013-answers-within-reach.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from instroom_contracts import catalog, enrolment
from instroom_contracts.cloudevent import type_of

Arguments = Mapping[str, str]
"""Headers that a fact must have, and `x-match`."""

OWNER, CAUSE, TYPE, EDITION, PROVIDER = (
    "ce-ownersource",
    "ce-correlationsource",
    "ce-type",
    "ce-partitionkey",
    "ce-provider",
)
PUBLIC = (
    catalog.EditionPublished,
    catalog.SessionRescheduled,
    catalog.SessionCancelled,
    catalog.EditionCancelled,
)
"""The catalogue's facts: public, and nobody's own."""
BY_A_DESK = (enrolment.EnrolmentCancelled, enrolment.PlaceReleased)
"""Answers to a course desk about another's enrolment."""


@dataclass(frozen=True)
class Part:
    """Facts that are one of these sources' own, or about one of these editions, or of one of these providers."""

    sources: frozenset[str] = frozenset()
    editions: frozenset[str] = frozenset()
    providers: frozenset[str] = frozenset()

    def bindings(self) -> list[Arguments]:
        """Return what is bound to the integrator's own exchange."""
        wanted = [
            *({OWNER: source} for source in self.sources),
            *({CAUSE: source, TYPE: type_of(model)} for source in self.sources for model in BY_A_DESK),
            *({TYPE: type_of(model)} for model in PUBLIC if self.sources),
            *({EDITION: edition} for edition in self.editions),
            *({PROVIDER: provider} for provider in self.providers),
        ]
        return [{"x-match": "all", **headers} for headers in wanted]

    @classmethod
    def of(cls, bindings: Iterable[Arguments]) -> Part:
        """Read it back from what is bound."""
        found = list(bindings)
        sources, editions, providers = (
            frozenset(arguments[name] for arguments in found if name in arguments)
            for name in (OWNER, EDITION, PROVIDER)
        )
        return cls(sources, editions, providers)

    def words(self) -> list[str]:
        """Say what it is."""
        own = ["own"] if self.sources else []
        editions = [f"edition {edition}" for edition in sorted(self.editions)]
        return [*own, *editions, *(f"provider {provider}" for provider in sorted(self.providers))]
