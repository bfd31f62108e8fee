"""What is called otherwise on the broker: a system under test says `instroom.intake`, and the check's own is meant."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from instroom_contracts import topology

OWN = "int."
PART = "instroom.for."
"""Begins the exchange of an account that gets a part of the facts."""
LEASE_MS = 3_600_000
"""So long may a queue of the check lie without a reader, where the check itself could not remove it."""


@dataclass(frozen=True)
class Names:
    """The names of one check; `account` owns what is named `int.<account>.`."""

    account: str
    token: str = field(default_factory=lambda: secrets.token_hex(4))
    _said: dict[str, str] = field(default_factory=dict)

    @property
    def intake(self) -> str:
        """Stand for the intake: whoever may publish nothing wrong there may do so here."""
        return f"{OWN}{self.account}.check-{self.token}.intake"

    @property
    def events(self) -> str:
        """Stand for the exchange of the facts."""
        return f"{OWN}{self.account}.check-{self.token}.events"

    @property
    def by_attribute(self) -> str:
        """Stand for the exchange that selects facts by their attributes."""
        return f"{OWN}{self.account}.check-{self.token}.by-attribute"

    @property
    def ear(self) -> str:
        """Name the check's own queue, which keeps the exchanges there."""
        return f"{OWN}{self.account}.check-{self.token}.ear"

    def queue(self, name: str) -> str:
        """Return the name of the check's queue for one of the integrator's: `int.NAME.x`, and no other, has one."""
        start, _, rest = name.removeprefix(OWN).partition(".")
        return f"{OWN}{start}.check-{self.token}.{rest}" if name.startswith(OWN) and rest else name

    def to_broker(self, method: Any) -> bool:
        """Rename in a method of the client what the check has its own of; tell whether that changed it."""
        before = _named(method)
        exchange = getattr(method, "exchange", None)
        if exchange is not None:
            method.exchange = self._own(exchange)
        if getattr(method, "queue", None):
            method.queue = self.queue(method.queue)
        return _named(method) != before

    def to_client(self, method: Any) -> bool:
        """Give a method of the broker the names back that the client knows; tell whether that changed it."""
        before = _named(method)
        exchange = getattr(method, "exchange", None)
        if exchange:
            method.exchange = self._said.get(exchange, exchange)
        if getattr(method, "queue", None):
            method.queue = self.as_known(method.queue)
        return _named(method) != before

    def as_known(self, text: str) -> str:
        """Write a text of the broker's with the names that the integrator knows."""
        for own, said in self._said.items():
            text = text.replace(own, said)
        return text.replace(f".check-{self.token}.", ".")

    def _own(self, exchange: str) -> str:
        """Return the check's exchange for one of life, and note how it was called."""
        stands_for = {topology.INTAKE: self.intake, topology.EVENTS: self.events}
        stands_for[topology.BY_ATTRIBUTE] = self.by_attribute
        own = self.events if exchange.startswith(PART) else stands_for.get(exchange, exchange)
        if own != exchange:
            self._said[own] = exchange
        return own


def _named(method: Any) -> tuple[object, object]:
    return getattr(method, "exchange", None), getattr(method, "queue", None)
