"""How facts are published: to everybody at once, and past the queues that will not have them.

RabbitMQ confirms a message when every queue that it was routed to has it. So one queue of an integrator that is full
and refuses, or has lost its quorum, would keep all facts from being confirmed; the latter also keeps the channel from
passing them on to others. Facts then go by the exchange `instroom.events.bypass`: to the stream and our own queues,
confirmed, and from there to everybody else without anybody waiting for them (docs/decisions/0020-refusing-queues.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from time import monotonic
from typing import Protocol

import structlog

from chassis.frames import Outgoing
from chassis.link import Link, May
from chassis.pipeline import Confirms
from chassis.refusals import Refusals
from chassis.topology import BYPASS

log = structlog.get_logger()

PUBLISH_WITHIN_S = 8.0
"""With the lease's margin this ends before another process may take over."""
CONFIRM_WITHIN_S = 4.0
"""So long everybody waits for a queue that does not answer, before facts go past it."""
TRY_AGAIN_S, TRY_AGAIN_LAST_S = 60.0, 600.0
"""After so long the usual way is tried with one fact; in vain, after twice that, up to the latter."""


class Way(Protocol):
    """How the events of one exchange are published."""

    def takes_one(self) -> bool:
        """Say whether the next events should come one by one."""

    async def publish(self, messages: Sequence[Outgoing], may: May) -> Confirms:
        """Publish messages in order and wait for the broker's confirms."""

    def rest(self) -> None:
        """Note that another process publishes for now, and knows better how its broker does."""

    async def close(self) -> None:
        """Let go of the broker."""


class Straight:
    """To the exchange that an event names, whoever listens there: for events whose queues are all our own."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def takes_one(self) -> bool:
        """Take as many as there are."""
        return False

    async def publish(self, messages: Sequence[Outgoing], may: May) -> Confirms:
        """Publish and wait for every queue."""
        return await self._link.publish(messages, PUBLISH_WITHIN_S, may)

    def rest(self) -> None:
        """Have nothing to forget."""

    async def close(self) -> None:
        """Close the connection."""
        await self._link.close()


class Facts:
    """To everybody, with confirms; past everybody's queues where one of them does not take them."""

    def __init__(self, usual: Link, bypass: Link, refusals: Refusals) -> None:
        self._usual = usual
        self._bypass = bypass
        self._refusals = refusals
        self._pause = 0.0
        self._until: float | None = None

    def takes_one(self) -> bool:
        """Try the usual way again with one fact, which whoever does listen may then hear twice."""
        return self._until is not None and monotonic() >= self._until

    async def publish(self, messages: Sequence[Outgoing], may: May) -> Confirms:
        """Publish; where a queue refuses or does not answer, what is open goes past it the next time."""
        if self._until is not None and not self.takes_one():
            return await self._go_past(messages, may)
        confirms = await self._usual.publish(messages, CONFIRM_WITHIN_S, may)
        if confirms.is_refused:
            self._turn_away()
            confirms.trouble = None
        elif confirms.trouble is None and self._until is not None:
            self._turn_back()
        return confirms

    async def _go_past(self, messages: Sequence[Outgoing], may: May) -> Confirms:
        past = [replace(message, exchange=BYPASS) for message in messages]
        confirms = await self._bypass.publish(past, PUBLISH_WITHIN_S, may)
        if confirms.trouble is None:
            self._refusals.begin()
        return confirms

    def _turn_away(self) -> None:
        self._pause = min(2 * self._pause, TRY_AGAIN_LAST_S) or TRY_AGAIN_S
        self._until = monotonic() + self._pause
        log.warning("facts_go_past", seconds=self._pause)

    def _turn_back(self) -> None:
        self._pause, self._until = 0.0, None
        self._refusals.end()
        log.info("facts_go_to_all")

    def rest(self) -> None:
        """Forget who refused: the process that publishes shows it, and this one begins the usual way."""
        self._pause, self._until = 0.0, None
        self._refusals.end()

    async def close(self) -> None:
        """Close both connections."""
        await self._usual.close()
        await self._bypass.close()
