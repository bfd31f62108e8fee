"""The relay: publishes a service's outbox, in order, by one process at a time.

A lease in the database says which process relays. The others wait: when the holder stops it gives the lease up, when
it dies the lease runs out. Each exchange has a lane of its own, so that none waits for what another cannot take.
"""

from __future__ import annotations

import asyncio
import contextlib

from chassis.facts import Facts, Straight, Way
from chassis.lane import TROUBLE, Lane
from chassis.lease import Lease
from chassis.link import Link
from chassis.mongo import Database
from chassis.refusals import Refusals
from chassis.tracing import OFF, Tracer
from instroom_contracts.topology import EVENTS, PRIVATE


class Relay:
    """Moves events from the outbox to the broker with publisher confirms."""

    def __init__(
        self,
        url: str,
        database: Database,
        app_id: str,
        *,
        poll_s: float,
        tracer: Tracer = OFF,
        refusals: Refusals | None = None,
    ) -> None:
        self._lease = Lease(database, "relay")
        self._refusals = refusals or Refusals()
        ways: dict[str, Way] = {
            EVENTS: Facts(Link(url), Link(url), self._refusals),
            PRIVATE: Straight(Link(url)),
        }
        self._lanes = [
            Lane(exchange, way, database, self._lease, app_id, poll_s=poll_s, tracer=tracer)
            for exchange, way in ways.items()
        ]

    def wake(self) -> None:
        """Say that there is something to publish, so that it need not wait for the next poll."""
        for lane in self._lanes:
            lane.wake()

    async def run(self) -> None:
        """Publish until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for lane in self._lanes:
                tasks.create_task(lane.run())
            tasks.create_task(self._refusals.run())

    async def publish_next(self) -> bool:
        """Publish what is first on each exchange; True when there may be more. Raises the first trouble there was."""
        outcomes = await asyncio.gather(*(lane.publish_next() for lane in self._lanes), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return any(outcomes)

    async def close(self) -> None:
        """Close the connections, so that nothing is under way any more, and give the lease up."""
        for lane in self._lanes:
            await lane.close()
        self._refusals.end()
        with contextlib.suppress(*TROUBLE):
            await self._lease.give_up()
