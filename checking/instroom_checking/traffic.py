"""What a system under test did, as far as it shows on the wire."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from instroom_contracts.amqp import Properties
from instroom_contracts.cloudevent import data_digest

Outcome = Literal["", "acknowledged", "automatic", "refused", "returned to the queue"]
"""What became of a message that was handed over; empty as long as nothing did."""
SETTLED: frozenset[Outcome] = frozenset({"acknowledged", "automatic", "refused"})


@dataclass(eq=False)
class Sent:
    """A message that the system published, on a channel that was or was not to be confirmed."""

    exchange: str
    routing_key: str
    mandatory: bool
    properties: Properties
    body: bytes
    confirms: bool
    connection: int
    is_confirmed: bool = False

    @property
    def headers(self) -> Mapping[str, object]:
        """Return the message's headers."""
        return self.properties.headers

    @property
    def digest(self) -> str:
        """Return a digest of its data, as Instroom compares it."""
        return data_digest(self.body, content_type=self.properties.get("content_type"))


@dataclass(eq=False)
class Handed:
    """A message that the broker handed to the system, and what became of it."""

    queue: str
    message_id: str
    connection: int
    outcome: Outcome = ""


@dataclass(frozen=True)
class DeclaredQueue:
    """A queue as the system declared it; `is_passive` where it only looked whether it is there."""

    name: str
    is_passive: bool
    durable: bool
    exclusive: bool
    arguments: Mapping[str, object]


@dataclass(frozen=True)
class Reading:
    """A consumer: which queue it reads, how many messages it takes at once (0: any number), whether it acknowledges."""

    queue: str
    prefetch: int
    acknowledges: bool
    connection: int


@dataclass
class Traffic:
    """Everything that was seen, in the order in which it came; `arrived` wakes who waits for more.

    `attributes` are those by which the system selects facts, where it does.
    """

    sent: list[Sent] = field(default_factory=list)
    handed: list[Handed] = field(default_factory=list)
    queues: list[DeclaredQueue] = field(default_factory=list)
    bindings: list[tuple[str, str]] = field(default_factory=list)
    attributes: dict[str, str] = field(default_factory=dict)
    reading: list[Reading] = field(default_factory=list)
    declared_exchanges: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    left_unconfirmed: list[Sent] = field(default_factory=list)
    connections: int = 0
    open_connections: set[int] = field(default_factory=set)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self) -> None:
        """Wake who waits."""
        self.arrived.set()

    async def until(self, check: Callable[[], bool], within_s: float | None = None) -> bool:
        """Wait until something that was seen makes the check true; tell whether it did in time."""
        try:
            async with asyncio.timeout(within_s):
                while not check():
                    self.arrived.clear()
                    await self.arrived.wait()
        except TimeoutError:
            return check()
        return True

    def is_listening(self) -> bool:
        """Tell whether a connection that is open reads a queue."""
        return any(one.connection in self.open_connections for one in self.reading)

    def outcomes(self, message_id: str) -> list[Outcome]:
        """Return what became of a message each time that it was handed over."""
        return [one.outcome for one in self.handed if one.message_id == message_id]

    def is_settled(self, message_id: str) -> bool:
        """Tell whether the system is done with a message."""
        return any(outcome in SETTLED for outcome in self.outcomes(message_id))


@dataclass
class Tactics:
    """What the check does to the system on purpose: where these say so, its connection breaks off."""

    withholds_confirm: Callable[[Sent], bool] = lambda _: False
    withholds_ack: Callable[[Handed], bool] = lambda _: False
    on_ack: Callable[[Handed], None] = lambda _: None
