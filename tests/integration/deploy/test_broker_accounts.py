"""Accounts on the broker: what each may do in life, and what it must never do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel
from aiormq.exceptions import ChannelAccessRefused, ChannelPreconditionFailed

from cli.broker import connected
from cli.trouble import Trouble
from deploy import accounts
from instroom_contracts.cloudevent import type_of
from instroom_contracts.topology import EVENTS, TYPES
from publishing.asyncapi import tables
from tests.support.eventually import eventually
from tests.support.place import Place

INVITATIONS = "nl.enrolments.invitation-requested.v1"
BY_ATTRIBUTE = "instroom.events.by-attribute"
STREAM = "instroom.events.stream"


@asynccontextmanager
async def channel_of(place: Place, account: str) -> AsyncIterator[AbstractChannel]:
    """Open a channel with an account's own rights."""
    async with await aio_pika.connect(place.rabbitmq_url_of(account)) as connection:
        yield await connection.channel(on_return_raises=False)


@pytest.fixture
async def topology(place: Place) -> Place:
    """Provide a queue with contact data, declared by its service beside what was set up."""
    async with channel_of(place, "notification") as channel:
        queue = await channel.declare_queue(
            "notification.invitation-requested.v1",
            durable=True,
            arguments={"x-queue-type": "quorum", "x-dead-letter-exchange": "instroom.dead"},
        )
        await queue.bind("instroom.private", INVITATIONS)
    return place


async def publish(place: Place, account: str, exchange: str, key: str) -> None:
    """Publish one message with an account's own rights."""
    async with channel_of(place, account) as channel:
        to = channel.default_exchange if exchange == "" else await channel.get_exchange(exchange, ensure=False)
        await to.publish(aio_pika.Message(b"{}"), key)


async def bind(
    place: Place, account: str, queue: str, exchange: str, key: str, arguments: dict[str, str] | None = None
) -> None:
    """Declare a queue and bind it, with an account's own rights."""
    async with channel_of(place, account) as channel:
        declared = await channel.declare_queue(queue, durable=True, arguments={"x-queue-type": "quorum"})
        await declared.bind(exchange, key, arguments=dict(arguments or {}))


async def read(place: Place, account: str, queue: str) -> None:
    """Look into a queue, with an account's own rights."""
    async with channel_of(place, account) as channel:
        await (await channel.get_queue(queue, ensure=False)).get(fail=False, no_ack=True)


async def test_an_integrator_asks_and_hears(topology: Place) -> None:
    """This is all that another system needs."""
    await publish(topology, "integrator", "instroom.intake", "nl.enrolments.enrolment-requested.v1")
    await bind(topology, "integrator", "int.website.facts", "instroom.events", "nl.enrolments.#")
    selected = {"x-match": "all", "ce-ownersource": "urn:nld:oin:00000001823288444000:systeem:website"}
    await bind(topology, "integrator", "int.website.own", BY_ATTRIBUTE, "", selected)


async def test_a_queue_of_an_integrator_is_limited(topology: Place) -> None:
    """One that nobody reads any more must not fill the broker, nor hold up facts for everybody else."""
    await bind(topology, "integrator", "int.forgotten", "instroom.events", "nl.enrolments.#")
    limits = {"overflow": "drop-head", "max-length-bytes": 500_000_000, "expires": 28 * 24 * 3600 * 1000}

    def is_limited() -> bool:
        described = topology.servers.broker.management.call("GET", f"queues/{topology.name}/int.forgotten")
        return bool(described.get("effective_policy_definition") == limits)

    await eventually(is_limited)


@pytest.mark.parametrize("exchange", ["", "instroom.events", BY_ATTRIBUTE, "instroom.private", "instroom.dead"])
async def test_an_integrator_publishes_nowhere_else(topology: Place, exchange: str) -> None:
    """Through the default exchange every queue could be reached, and facts could be forged."""
    with pytest.raises(ChannelAccessRefused):
        await publish(topology, "integrator", exchange, "notification.invitation-requested.v1")


@pytest.mark.parametrize("exchange", ["instroom.private", "instroom.intake", "instroom.dead"])
async def test_an_integrator_listens_nowhere_else(topology: Place, exchange: str) -> None:
    """Requests and private events hold contact data."""
    with pytest.raises(ChannelAccessRefused):
        await bind(topology, "integrator", "int.curious", exchange, "#")


@pytest.mark.parametrize("account", ["integrator", "catalog", "enrolment", "operator"])
async def test_nobody_else_reads_a_service_s_queue(topology: Place, account: str) -> None:
    """Who is invited where is between the enrolment and the notification service."""
    with pytest.raises(ChannelAccessRefused):
        await read(topology, account, "notification.invitation-requested.v1")


async def test_a_service_hears_only_what_concerns_it_in_private(topology: Place) -> None:
    """The catalogue needs no contact data, so it cannot have it."""
    await bind(
        topology, "catalog", "catalog.edition-submitted.v1", "instroom.private", "nl.enrolments.edition-submitted.v1"
    )
    with pytest.raises(ChannelAccessRefused):
        await bind(topology, "catalog", "catalog.curious", "instroom.private", INVITATIONS)


async def test_only_the_enrolment_service_asks_for_invitations(topology: Place) -> None:
    """An invitation stands for a place that was given; an operator may send one again that failed."""
    await publish(topology, "enrolment", "instroom.private", INVITATIONS)
    for account in ("catalog", "notification"):
        with pytest.raises(ChannelAccessRefused):
            await publish(topology, account, "instroom.private", INVITATIONS)


FACTS = {
    service.name: {type_of(tells.model) for tells in service.tells if tells.exchange == EVENTS}
    for service in tables.SERVICES
}


@pytest.mark.parametrize("service", accounts.SERVICES)
async def test_a_service_tells_its_own_facts_and_no_other_s(topology: Place, service: str) -> None:
    """Whoever breaks into notification must not tell the world that an edition is cancelled."""
    for type, listed in TYPES.items():
        if listed.exchange == EVENTS and type in FACTS[service]:
            await publish(topology, service, EVENTS, type)
        elif listed.exchange == EVENTS:
            with pytest.raises(ChannelAccessRefused):
                await publish(topology, service, EVENTS, type)


async def change(place: Place, account: str, work: Change) -> None:
    """Try to change something, with an account's own rights."""
    async with channel_of(place, account) as channel:
        await work(channel)


async def delete_the_stream(channel: AbstractChannel) -> None:
    """Delete every fact of 400 days."""
    await channel.queue_delete(STREAM)


async def delete_an_exchange(channel: AbstractChannel) -> None:
    """Delete where facts are told."""
    await channel.exchange_delete("instroom.events")


async def unbind_the_stream(channel: AbstractChannel) -> None:
    """Let facts pass it by."""
    await (await channel.get_queue(STREAM, ensure=False)).unbind("instroom.events", "#")


async def make_an_exchange(channel: AbstractChannel) -> None:
    """Make what looks like ours."""
    await channel.declare_exchange("instroom.new", "topic", durable=True)


async def delete_another_s_queue(channel: AbstractChannel) -> None:
    """Delete requests that wait."""
    await channel.queue_delete("enrolment.enrolment-requested.v1.forgotten")


async def lead_facts_to_the_intake(channel: AbstractChannel) -> None:
    """Have every fact come back as a request."""
    await (await channel.get_exchange("instroom.intake", ensure=False)).bind("instroom.events", "#")


Change = Callable[[AbstractChannel], Awaitable[None]]
CHANGES = (
    unbind_the_stream,
    make_an_exchange,
    delete_another_s_queue,
    lead_facts_to_the_intake,
    delete_the_stream,
    delete_an_exchange,
)


MAY = {
    "enrolment": delete_another_s_queue,
    "integrator": lead_facts_to_the_intake,
    "operator": lead_facts_to_the_intake,
}
"""The queue is enrolment's own; and who may publish on an exchange may bind others to it: see tests/e2e/test_echoes."""


async def refuses(place: Place, account: str, work: Change) -> bool:
    """Tell whether the broker refuses this."""
    try:
        await change(place, account, work)
    except ChannelAccessRefused:
        return True
    return False


@pytest.mark.parametrize("account", [*accounts.SERVICES, "integrator", "operator"])
async def test_nobody_changes_what_is_everybody_s(topology: Place, account: str) -> None:
    """Exchanges and stream are set up once, with an account that nobody works with."""
    changed = [work for work in CHANGES if not await refuses(topology, account, work)]
    assert changed == [MAY[account]] if account in MAY else not changed


async def test_who_sets_up_can(topology: Place) -> None:
    """What is refused above is something that can be done: it is the right that the others lack."""
    for work in CHANGES:
        await change(topology, "admin", work)


@pytest.mark.parametrize("service", ["catalog", "notification"])
async def test_only_enrolment_reads_the_intake(topology: Place, service: str) -> None:
    """Requests hold contact data; who mails and who publishes editions has no business with them."""
    for exchange in ("instroom.intake", "instroom.unrouted"):
        with pytest.raises(ChannelAccessRefused):
            await bind(topology, service, f"{service}.curious", exchange, "#")
    await bind(topology, "enrolment", "enrolment.enrolment-requested.v1", "instroom.intake", "#")


@pytest.mark.parametrize("service", accounts.SERVICES)
async def test_a_service_gets_its_own_dead_letters_alone(topology: Place, service: str) -> None:
    """They are requests and mails too."""
    await bind(topology, service, f"{service}.x.dead", "instroom.dead", f"{service}.x")
    for other in (*({*accounts.SERVICES} - {service}), "#"):
        with pytest.raises(ChannelAccessRefused):
            await bind(topology, service, f"{service}.x.dead", "instroom.dead", other if other == "#" else f"{other}.x")


@pytest.mark.parametrize("account", [*accounts.SERVICES, "integrator", "operator"])
async def test_facts_on_their_way_past_a_queue_are_nobody_s(topology: Place, account: str) -> None:
    """Whoever takes one out there takes it from all who listen."""
    async with channel_of(topology, account) as channel:
        with pytest.raises(ChannelAccessRefused):
            await (await channel.get_queue("instroom.events.onward", ensure=False)).purge()


async def test_so_many_queues_and_no_more_are_declared(place: Place) -> None:
    """RabbitMQ counts no queues by account: one that declares without end is stopped before the broker is full."""
    management = place.servers.broker.management
    (limits,) = management.call("GET", f"vhost-limits/{place.name}")
    assert limits["value"] == {"max-queues": 1000}
    there = len(management.call("GET", f"queues/{place.name}"))
    management.call("PUT", f"vhost-limits/{place.name}/max-queues", {"value": there + 2})
    async with channel_of(place, "integrator") as channel:
        for number in range(2):
            await channel.declare_queue(f"int.many.{number}")
        with pytest.raises(ChannelPreconditionFailed, match="queue limit"):
            await channel.declare_queue("int.many.2")
    with pytest.raises(Trouble, match=r"queue limit .* `instroom integrator list` names who has them"):
        async with connected(place.rabbitmq_url_of("operator")) as connection, connection.channel() as own:
            await own.declare_queue("int.operator.answers", exclusive=True)


async def test_a_service_cannot_ask_in_a_sender_s_name(topology: Place) -> None:
    """Requests come from outside; a service only decides them."""
    with pytest.raises(ChannelAccessRefused):
        await publish(topology, "enrolment", "instroom.intake", "nl.enrolments.enrolment-requested.v1")


async def test_an_operator_loads_programmes_and_looks_at_dead_letters(topology: Place) -> None:
    """What the `instroom` command does for an operator, and no more than a look at what was given up."""
    async with channel_of(topology, "notification") as channel:
        await channel.declare_queue("notification.invitation-requested.v1.dead", durable=True)
    await publish(topology, "operator", "instroom.private", "nl.enrolments.edition-submitted.v1")
    await publish(topology, "operator", "instroom.intake", "nl.enrolments.enrolment-requested.v1")
    await read(topology, "operator", "notification.invitation-requested.v1.dead")


LOOKS = 250
"""More than the limit of deliveries of the services' other queues, and than RabbitMQ 4's own limit of 20."""


async def looked_at(place: Place, queue: str) -> bool:
    """Tell whether a message is still there after everybody has looked at it."""
    async with channel_of(place, "admin") as channel:
        await channel.declare_queue(queue, durable=True, arguments={"x-queue-type": "quorum"})
        await channel.default_exchange.publish(aio_pika.Message(b"dead"), queue)
    described = f"queues/{place.name}/{queue}"
    await eventually(lambda: "policy" in place.servers.broker.management.call("GET", described))
    async with await aio_pika.connect(place.rabbitmq_url_of("admin")) as connection:
        for _ in range(LOOKS):
            async with connection.channel() as channel:
                if await (await channel.get_queue(queue, ensure=False)).get(fail=False) is None:
                    return False
    return True


async def test_a_dead_letter_may_be_looked_at_as_often_as_one_likes(place: Place) -> None:
    """Each look and each backup counts as a delivery, and nothing comes after a dead-letter queue."""
    assert await looked_at(place, "enrolment.enrolment-requested.v1.dead")


async def test_another_message_is_given_up_after_so_many_deliveries(place: Place) -> None:
    """The same without the dead letters' own policy."""
    assert not await looked_at(place, "enrolment.enrolment-requested.v1")
