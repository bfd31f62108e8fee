"""One integrator's queue does not take facts; participants and all other systems must not notice."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import aio_pika
import pytest
from aiormq.abc import FieldTable

from instroom_contracts.topology import EVENTS
from tests.e2e.world import World, open_world
from tests.support.eventually import eventually
from tests.support.mailserver import MailServer
from tests.support.place import Place
from tests.support.quorum import without_quorum
from tests.support.running import running
from tests.unit.enrolment.examples import edition, request, session

CARELESS = "int.careless"
LONGEST_S = 10.0
PEOPLE = 30

Trouble = Callable[[Place], AbstractContextManager[None]]
FULL = pytest.param({"x-overflow": "reject-publish", "x-max-length": 0}, lambda _: nullcontext(), id="full")
LOST = pytest.param({"x-queue-type": "quorum"}, lambda place: without_quorum(place, CARELESS), id="without quorum")


async def carelessly_bound(world: World, arguments: FieldTable) -> None:
    """Bind a queue to all facts, with an integrator's account."""
    async with await aio_pika.connect(world.place.rabbitmq_url_of("integrator")) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(CARELESS, durable=True, arguments=arguments)
        await queue.bind(EVENTS, "#")


async def enrolled(
    place: Place, mail_server: MailServer, arguments: FieldTable, trouble: Trouble, without: str | None = None
) -> None:
    """Enrol people while a queue refuses all facts, and check that each has an answer and a mail in time."""
    settings = {"SMTP_URL": mail_server.url, "MAIL_POLL_MS": "50"}
    with running(place, "enrolment", "notification", settings=settings, without=without):
        async with open_world(place) as world:
            at = edition(session(form="on-site", location="Utrecht"))
            await world.publish_edition(at, "enrolment", "notification")
            await carelessly_bound(world, arguments)
            with trouble(place):
                asked = [request(name=f"deelnemer-{n}") for n in range(PEOPLE)]
                await world.send_all(asked)
                await world.answered([one.id for one in asked], within=LONGEST_S)
                await eventually(lambda: len(mail_server.mails) == PEOPLE, within=LONGEST_S)
            assert await world.verdicts() == []


@pytest.mark.parametrize(("arguments", "trouble"), [FULL, LOST])
async def test_people_get_answers_and_mails_whatever_one_integrator_binds(
    fault_place: Place, mail_server: MailServer, arguments: FieldTable, trouble: Trouble
) -> None:
    """One careless declaration must cost its owner alone."""
    await enrolled(fault_place, mail_server, arguments, trouble)


@pytest.mark.parametrize(("arguments", "trouble"), [LOST])
async def test_without_a_way_past_it_they_wait(
    fault_place: Place, mail_server: MailServer, arguments: FieldTable, trouble: Trouble
) -> None:
    """Switched off, the guard of the test above is missed."""
    with pytest.raises(AssertionError):
        await enrolled(fault_place, mail_server, arguments, trouble, without="bypass")
