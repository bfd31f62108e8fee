"""The database is stopped and comes back while requests pour in; the services run on."""

from __future__ import annotations

import asyncio

import pytest

from tests.e2e.world import open_world
from tests.faults.load import (
    decided,
    every_promise_is_kept,
    every_request_is_answered_once,
    load,
    nobody_is_blamed,
    nobody_waits,
)
from tests.support.eventually import eventually
from tests.support.mailserver import MailServer
from tests.support.place import Place
from tests.support.running import running
from tests.unit.enrolment.examples import edition, session

ON_SITE = {"form": "on-site", "location": "Utrecht"}
ONE_BY_ONE = {"BATCH_SIZE": "1"}
"""A message that stands alone is the one that is blamed, if any is."""


async def away(place: Place, mail_server: MailServer, *, without: str | None = None) -> None:
    """Stop the database in mid-load, start it, and check that services wait and no message is blamed."""
    power = place.servers.database.power
    assert power is not None
    settings = {"SMTP_URL": mail_server.url, **ONE_BY_ONE}
    with running(place, "enrolment", "notification", settings=settings, without=without) as services:
        before = [service.daemon.pid() for service in services]
        async with open_world(place) as world:
            await world.publish_edition(edition(session(**ON_SITE)), "enrolment", "notification")
            async with load(world, 20_000, pause_s=1.0) as asking:
                await decided(world, 50)
                await asyncio.to_thread(power.stop)
                await asyncio.gather(*(eventually(service.troubled, within=20) for service in services))
                asked_meanwhile = len(asking.asked) + 100
                await eventually(lambda: len(asking.asked) > asked_meanwhile, within=20)
                assert [service.daemon.pid() for service in services] == before, "a service ended"
                await asyncio.to_thread(power.start)
                await asyncio.gather(*(eventually(service.ready, within=20) for service in services))
                asking.stop()
            await nobody_waits(world, asking.asked)
            await nobody_is_blamed(world)
            await every_request_is_answered_once(world, asking.asked)
            await every_promise_is_kept(world)


async def test_services_wait_for_a_database_that_is_away(fault_place: Place, mail_server: MailServer) -> None:
    """An outage of a minute costs a minute, and nobody a place."""
    await away(fault_place, mail_server)


async def test_without_patience_services_give_up(fault_place: Place, mail_server: MailServer) -> None:
    """Switched off, the guard of the test above is missed."""
    with pytest.raises(AssertionError):
        await away(fault_place, mail_server, without="patience")
