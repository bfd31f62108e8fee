"""A test's view of running services: other systems that publish and listen, an edition to enrol in, and the auditor."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aio_pika

from chassis.mongo import Mongo
from cli.audit.auditor import audit
from cli.audit.readers import Reader
from cli.audit.verdict import Verdict
from cli.databases import Databases
from demo.integrator import Integrator
from instroom_contracts.catalog import EditionPublished
from instroom_contracts.cloudevent import CloudEvent, encode, new_event
from instroom_contracts.topology import EVENTS, PRIVATE
from tests.support.eventually import eventually
from tests.support.place import Place
from tests.unit.enrolment.examples import CATALOG

Fact = dict[str, Any]


@dataclass(frozen=True)
class World:
    """What a test publishes with, what it hears, and what it may look into."""

    place: Place
    systems: Integrator
    databases: Databases
    connection: aio_pika.abc.AbstractRobustConnection

    async def publish_edition(self, edition: EditionPublished, *keepers: str) -> None:
        """Tell an edition as the catalog would, and wait until these services keep it."""
        event = new_event(edition, source=CATALOG, id=f"{edition.edition_id}-{edition.version}")
        await self.publish(event, EVENTS)
        for keeper in keepers or ("enrolment",):
            kept = self.databases.mongo.database(self.place.database(keeper))["editions"]
            await eventually(lambda kept=kept: _holds(kept, edition), within=20)  # type: ignore[misc]

    async def publish(self, event: CloudEvent[Any], on: str) -> None:
        """Publish an event on an exchange of the services' own, as one of them would."""
        wire = encode(event)
        async with self.connection.channel() as channel:
            exchange = await channel.get_exchange(on)
            message = aio_pika.Message(wire.body, content_type=wire.content_type, message_id=wire.message_id)
            await exchange.publish(message, wire.routing_key)

    async def send_all(self, events: Iterable[CloudEvent[Any]], *, publishers: int = 20) -> None:
        """Publish events from many tasks at once, each taking the next one."""
        waiting = iter(list(events))

        async def publish() -> None:
            for event in waiting:
                await self.systems.send(event)

        await asyncio.gather(*(publish() for _ in range(publishers)))

    async def answered(self, requests: Sequence[str], *, within: float = 60) -> list[Fact]:
        """Wait until each of these requests has an answer; return the answers in the order in which they were told."""
        await eventually(lambda: all(self.systems.answer_to(request) for request in requests), within=within)
        wanted = set(requests)
        return [fact for fact in self.systems.facts if fact.get("correlationid") in wanted and _answers(fact)]

    async def verdicts(self, *, settle: float = 15) -> list[Verdict]:
        """Have the auditor judge every promise; return those that are broken."""
        reader = Reader(self.databases, self.connection)
        return [verdict for verdict in await audit(reader, settle) if not verdict.holds]


def _answers(fact: Fact) -> bool:
    return str(fact["kind"]) in {"enrolment-confirmed", "enrolment-queued", "enrolment-rejected"}


async def _holds(editions: Any, edition: EditionPublished) -> bool:
    return bool(await editions.count_documents({"_id": edition.edition_id}))


@asynccontextmanager
async def open_world(place: Place) -> AsyncIterator[World]:
    """Connect to services that run in a place."""
    mongo = Mongo(place.mongo_url, driver="pymongo")
    connection = await aio_pika.connect_robust(place.rabbitmq_url)
    try:
        await _somebody_hears_the_services(connection)
        async with Integrator(place.rabbitmq_url_of("integrator"), "test") as systems:
            yield World(place, systems, Databases(mongo, place.name), connection)
    finally:
        await connection.close()
        await mongo.close()


async def _somebody_hears_the_services(connection: aio_pika.abc.AbstractRobustConnection) -> None:
    """Bind a queue to the private exchange, so that enrolment can be tested where notification does not run."""
    async with connection.channel() as channel:
        queue = await channel.declare_queue("notification.stand-in", durable=True)
        await queue.bind(await channel.get_exchange(PRIVATE), "#")
