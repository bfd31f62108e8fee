"""The notification service is killed while it sends: before a mail's final dot, right after it, and anywhere."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Literal

import pytest

from chassis.documents import Document
from chassis.mongo import Collection
from tests.e2e.world import Fact, World, open_world
from tests.faults.load import every_promise_is_kept, every_request_is_answered_once, load
from tests.support.eventually import eventually
from tests.support.mailserver import MailServer
from tests.support.place import Place
from tests.support.running import ServiceProcess, running
from tests.unit.enrolment.examples import edition, session

PEOPLE = 250
IMPATIENT = {
    "MAIL_CLAIM_S": "2",
    "SMTP_DOT_TIMEOUT_S": "2",
    "MAIL_FIRST_PAUSE_S": "0.5",
    "MAIL_POLL_MS": "50",
    "BATCH_SIZE": "50",
}
LINES = 4
"""Connections that send at once, unless set otherwise."""

ON_SITE = {"form": "on-site", "location": "Utrecht"}
UNDER_WAY: Document = {"delivery.state": {"$nin": ["sent", "uncertain"]}}


async def killed(place: Place, mail_server: MailServer, people: int, *, without: str | None = None) -> None:
    """Kill the service at each point of sending, start it again, and check who has how many mails."""
    settings = {**IMPATIENT, "SMTP_URL": mail_server.url}
    with (
        running(place, "enrolment") as _,
        running(place, "notification", settings=settings, without=without) as (mails,),
    ):
        async with open_world(place) as world:
            await world.publish_edition(edition(session(**ON_SITE)), "enrolment", "notification")
            async with load(world, people) as asking:
                await held_and_killed(mails, mail_server, "rcpt")
                await held_and_killed(mails, mail_server, "dot")
                await eventually(lambda: len(mail_server.mails) > people // 2, within=20)
                mails.kill()
                await asyncio.to_thread(mails.start)
            await every_request_is_answered_once(world, asking.asked)
            await everybody_has_a_mail_or_is_listed(world, mail_server, people)
            await every_promise_is_kept(world)


async def held_and_killed(mails: ServiceProcess, mail_server: MailServer, point: Literal["rcpt", "dot"]) -> None:
    """Keep every connection waiting at this point, kill the service there, and start it again."""
    mail_server.holds = point
    await eventually(lambda: mail_server.held >= LINES, within=20)
    mails.kill()
    mail_server.holds = None
    await asyncio.to_thread(mails.start)


async def everybody_has_a_mail_or_is_listed(world: World, mail_server: MailServer, people: int) -> None:
    """Check: no address got two mails; one is there for each invitation, unless it is listed as uncertain."""
    mails = world.databases["notification"]["mails"]
    await eventually(lambda: _none(mails, UNDER_WAY), within=30)
    taken = Counter(mail.recipients[0] for mail in mail_server.mails)
    assert set(taken.values()) == {1}
    uncertain = [row async for row in mails.find({"delivery.state": "uncertain"})]
    assert LINES <= len(uncertain) < people // 4
    assert people - len(uncertain) <= len(taken) <= people
    failed = [fact for fact in await told(world) if fact["kind"] == "invite-failed"]
    assert {fact["data"]["reason"] for fact in failed} == {"outcome-unknown"}
    assert {fact["data"]["enrolmentId"] for fact in failed} == {row["enrolmentId"] for row in uncertain}


async def _none(collection: Collection, which: Document) -> None:
    left = await collection.count_documents(which)
    assert not left, f"{left} mails are under way still"


async def told(world: World) -> list[Fact]:
    """Return what another system heard once everything is told."""
    outbox = world.databases["notification"]["outbox"]
    await eventually(lambda: _none(outbox, {}), within=30)
    return world.systems.facts


async def test_a_killed_sender_sends_nothing_twice_and_lists_what_nobody_can_know(
    place: Place, mail_server: MailServer
) -> None:
    """Two invitations for one place are what participants of other systems complain of."""
    await killed(place, mail_server, PEOPLE)


async def test_without_a_record_of_the_dot_somebody_gets_two_mails(place: Place, mail_server: MailServer) -> None:
    """Switched off, the guard of the test above is missed."""
    with pytest.raises(AssertionError):
        await killed(place, mail_server, 60, without="leave")
