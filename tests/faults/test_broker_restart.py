"""The broker is killed and comes back while requests pour in; the services run on."""

from __future__ import annotations

import asyncio

import pytest

from tests.e2e.world import open_world
from tests.faults.load import decided, every_promise_is_kept, every_request_is_answered_once, load
from tests.support.eventually import eventually
from tests.support.mailserver import MailServer
from tests.support.place import Place
from tests.support.running import running
from tests.unit.enrolment.examples import edition, session

ON_SITE = {"form": "on-site", "location": "Utrecht"}


async def restarted(place: Place, mail_server: MailServer, *, without: str | None = None, within: float = 60) -> None:
    """Kill the broker in mid-load, start it, and check that services and requests come through by themselves."""
    power = place.servers.broker.power
    assert power is not None
    settings = {"SMTP_URL": mail_server.url, "BATCH_SIZE": "50"}
    with running(place, "enrolment", "notification", settings=settings, without=without) as services:
        before = [service.daemon.pid() for service in services]
        async with open_world(place) as world:
            await world.publish_edition(edition(session(**ON_SITE)), "enrolment", "notification")
            async with load(world, 20_000, pause_s=0.5) as asking:
                await decided(world, 50)
                await asyncio.to_thread(power.kill)
                await asyncio.gather(*(eventually(service.troubled) for service in services))
                await asyncio.to_thread(power.start)
                await asyncio.gather(*(eventually(service.ready, within=30) for service in services))
                await decided(world, len(asking.asked) + 30)
                asking.stop()
            assert [service.daemon.pid() for service in services] == before
            await every_request_is_answered_once(world, asking.asked, within=within)
            await every_promise_is_kept(world)


async def test_services_and_requests_survive_a_broker_that_is_killed(
    fault_place: Place, mail_server: MailServer
) -> None:
    """What the broker confirmed it keeps; the rest is published again by whoever has no confirm."""
    await restarted(fault_place, mail_server)


async def test_without_waiting_for_confirms_facts_are_lost(fault_place: Place, mail_server: MailServer) -> None:
    """Switched off, the guard of the test above is missed."""
    with pytest.raises(AssertionError):
        await restarted(fault_place, mail_server, without="confirms", within=30)
