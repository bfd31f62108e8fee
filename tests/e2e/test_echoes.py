"""Facts that somebody leads back to the intake."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aio_pika import connect
from aio_pika.abc import AbstractChannel
from aiormq.abc import FieldTable

from deploy.web import page
from instroom_contracts.cloudevent import CloudEvent, new_event
from instroom_contracts.intake import EnrolmentCancellationRequested
from instroom_contracts.topology import EVENTS, INTAKE
from tests.e2e.world import World, open_world
from tests.support.eventually import eventually
from tests.support.place import Place
from tests.support.running import ServiceProcess, running
from tests.unit.enrolment.examples import WEBSITE

OWN = "int.careless"
SERVICE = "urn:nld:oin:00000001823288444000:systeem:instroom-enrolment"

Way = Callable[[AbstractChannel], Awaitable[Any]]


async def exchange_to_exchange(channel: AbstractChannel) -> None:
    """Bind the facts to the intake."""
    await (await channel.get_exchange(INTAKE, ensure=False)).bind(EVENTS, "#")


async def dead_letters(channel: AbstractChannel) -> None:
    """Have a queue of facts expire into the intake."""
    arguments: FieldTable = {"x-dead-letter-exchange": INTAKE, "x-message-ttl": 0}
    queue = await channel.declare_queue(f"{OWN}.expiring", durable=True, arguments=arguments)
    await queue.bind(EVENTS, "#")


async def an_exchange_between(channel: AbstractChannel) -> None:
    """Take the facts into an exchange of one's own, and bind that to the intake."""
    between = await channel.declare_exchange(f"{OWN}.between", "fanout", durable=True)
    await between.bind(EVENTS, "#")
    await (await channel.get_exchange(INTAKE, ensure=False)).bind(between, "")


async def an_alternate_exchange(channel: AbstractChannel) -> None:
    """Take the facts into an exchange of one's own, from which what nobody wants goes to the intake."""
    arguments: FieldTable = {"alternate-exchange": INTAKE}
    between = await channel.declare_exchange(f"{OWN}.unwanted", "topic", durable=True, arguments=arguments)
    await between.bind(EVENTS, "#")


ANYBODY = {"INTAKE_SENDERS": "any"}
"""Where senders must be known, facts that come back are held already for naming nobody; this is about the others."""
WAYS = (exchange_to_exchange, dead_letters, an_exchange_between, an_alternate_exchange)


def asked(id: str) -> CloudEvent[EnrolmentCancellationRequested]:
    """Ask for something that is refused at once, with one fact."""
    return new_event(EnrolmentCancellationRequested(enrolment_id="nothing"), source=WEBSITE, id=id)


async def lead_back(place: Place, way: Way) -> None:
    """Do this with an integrator's rights, which are enough for it."""
    async with await connect(place.rabbitmq_url_of("integrator")) as connection:
        await way(await connection.channel())


def echoes(enrolment: ServiceProcess) -> float:
    """Return how many the service has counted."""
    lines = page(f"{enrolment.url}/metrics").decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("instroom_echoes_total{"))


async def the_circle_is_broken(world: World, enrolment: ServiceProcess) -> None:
    """Check: two requests are answered by two facts, which come back and lead to nothing; one is held, to be seen."""
    for id in ("1", "2"):
        await world.systems.send(asked(id))
    await eventually(lambda: echoes(enrolment) == 2)
    await eventually(lambda: world.systems.counts == {"request-refused": 2})
    database = world.databases["enrolment"]
    assert await database["inbox"].count_documents({"_id": {"$regex": f"^{SERVICE}"}}) == 0, "they spend no id"
    held = await database["quarantine"].find({}).to_list(None)
    assert [(one["reason"], one["source"], one["times"]) for one in held] == [("echo", SERVICE, 1)]


@pytest.mark.parametrize("way", WAYS)
async def test_facts_that_come_back_are_not_answered(place: Place, way: Way) -> None:
    """Each answer would come back as another, without end, and a binding outlives the account that made it."""
    with running(place, "enrolment", settings=ANYBODY) as (enrolment,):
        await lead_back(place, way)
        async with open_world(place) as world:
            await the_circle_is_broken(world, enrolment)


@pytest.mark.parametrize("way", WAYS)
async def test_without_the_guard_one_request_is_answered_for_ever(place: Place, way: Way) -> None:
    """Switched off, the guard of the test above is missed."""
    with running(place, "enrolment", settings=ANYBODY, without="echoes"):
        await lead_back(place, way)
        async with open_world(place) as world:
            await world.systems.send(asked("1"))
            await eventually(lambda: world.systems.counts["request-refused"] > 50)
