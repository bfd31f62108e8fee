"""A part of the facts: what of them an integrator may read, and the bindings that select it by their attributes.

The integrator's own exchange gets these facts and no others, and is the only one that its account may read. See
docs/decisions/0013-answers-within-reach.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from instroom_contracts.topology import BY_ATTRIBUTE, CATALOG, EVENTS, TYPES

Arguments = Mapping[str, str]
"""Headers that a fact must have, and `x-match`."""

OWNER, EDITION, PROVIDER = "ce-ownersource", "ce-partitionkey", "ce-provider"
PUBLIC = tuple(type for type, listed in TYPES.items() if listed.exchange == EVENTS and listed.told_by == (CATALOG,))
"""The catalogue's facts: public, and nobody's own."""


class Binding(NamedTuple):
    """What an exchange gets from another."""

    source: str
    routing_key: str
    arguments: Arguments


@dataclass(frozen=True)
class Part:
    """Facts that are one of these sources' own, or about one of these editions, or of one of these providers."""

    sources: frozenset[str] = frozenset()
    editions: frozenset[str] = frozenset()
    providers: frozenset[str] = frozenset()

    def bindings(self) -> list[Binding]:
        """Return what is bound to the integrator's own exchange.

        One header for each: the broker compares every fact with all of them, of all integrators. Types cost nothing.
        """
        wanted = [
            *((OWNER, source) for source in self.sources),
            *((EDITION, edition) for edition in self.editions),
            *((PROVIDER, provider) for provider in self.providers),
        ]
        selected = [Binding(BY_ATTRIBUTE, "", {"x-match": "all", name: value}) for name, value in wanted]
        public = [Binding(EVENTS, type, {}) for type in PUBLIC if self.sources]
        return selected + public

    @classmethod
    def of(cls, selected: Iterable[Arguments]) -> Part:
        """Read it back from what is bound."""
        found = list(selected)
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
