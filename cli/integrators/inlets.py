"""Inlets: what leads messages into an exchange of ours by another way than publishing.

Whoever may read facts and publish requests can make one, by a binding between exchanges or by a setting of a queue or
an exchange of their own, and then facts come back on the intake (chassis/deciding.py passes them over). RabbitMQ checks
rights when it is made and never again, so it outlives the account. Of our own there are none but those of the set-up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from instroom_contracts import topology

OURS, INTEGRATORS = "instroom.", "int."
_OWNER = re.compile(rf"(?:{re.escape(INTEGRATORS)}|{re.escape(topology.exchange_for(''))})([^.]+)")

Described = Mapping[str, Any]
"""A binding, a queue or an exchange as RabbitMQ's HTTP API describes it."""


@dataclass(frozen=True)
class Inlet:
    """Something that leads messages `into` an exchange of ours; `name` is that of the exchange or queue they are in."""

    kind: Literal["binding", "queue", "exchange"]
    name: str
    into: str
    described: Described = field(repr=False, compare=False)

    @property
    def owner(self) -> str | None:
        """Return the integrator by whose name it is called; None where anybody may have made it."""
        found = _OWNER.match(self.name)
        return found[1] if found else None

    def words(self) -> str:
        """Say what it is, and what takes it away."""
        how = {"binding": "is bound to", "queue": "dead-letters into", "exchange": "passes what nobody wants on to"}
        whose = self.owner or "NAME (of whoever made it, or of anybody)"
        return (
            f"{self.name} {how[self.kind]} {self.into}: facts that come back there are dropped."
            f" `instroom integrator remove {whose}` takes that away, `instroom integrator close` all of them."
        )


def inlets(bindings: Iterable[Described], queues: Iterable[Described], exchanges: Iterable[Described]) -> list[Inlet]:
    """Return those among all that a broker has."""
    return [
        *_bound(bindings),
        *_set("queue", queues, "x-dead-letter-exchange"),
        *_set("exchange", exchanges, "alternate-exchange"),
    ]


def _bound(bindings: Iterable[Described]) -> Iterator[Inlet]:
    for one in bindings:
        source, into = one["source"], one["destination"]
        is_ours = one["destination_type"] == "exchange" and into.startswith(OURS)
        if is_ours and source.startswith((OURS, INTEGRATORS)) and not _is_of_the_set_up(source, into):
            yield Inlet("binding", source, into, one)


def _is_of_the_set_up(source: str, into: str) -> bool:
    """Tell whether facts are meant to go this way: to where they are selected."""
    selecting = into == topology.BY_ATTRIBUTE or into.startswith(topology.exchange_for(""))
    return selecting and source in {topology.EVENTS, topology.BY_ATTRIBUTE}


def _set(kind: Literal["queue", "exchange"], described: Iterable[Described], argument: str) -> Iterator[Inlet]:
    for one in described:
        into = str(one["arguments"].get(argument, ""))
        if one["name"].startswith(INTEGRATORS) and into.startswith(OURS):
            yield Inlet(kind, one["name"], into, one)
