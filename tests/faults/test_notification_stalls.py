"""A sender stalls in the middle of a mail for longer than its claim, another settles that mail, and the first wakes."""

from __future__ import annotations

import asyncio
from typing import Literal

from chassis.mongo import Collection
from tests.e2e.world import open_world
from tests.faults.test_notification_killed import IMPATIENT, ON_SITE
from tests.support.eventually import eventually
from tests.support.mailserver import MailServer
from tests.support.place import Place
from tests.support.running import ServiceProcess, running
from tests.unit.enrolment.examples import edition, request, session

ONE_LINE = {**IMPATIENT, "MAIL_LINES": "1"}


async def stalled(
    place: Place, mail_server: MailServer, at: Literal["rcpt", "dot"], settled: str, *, without: str | None = None
) -> list[str]:
    """Freeze a sender at this point until its mail is settled, thaw it, and return the facts about the mail."""
    settings = {**ONE_LINE, "SMTP_URL": mail_server.url}
    with (
        running(place, "enrolment") as _,
        running(place, "notification", settings=settings, without=without) as (first,),
    ):
        async with open_world(place) as world:
            await world.publish_edition(edition(session(**ON_SITE)), "enrolment", "notification")
            mail_server.holds = at
            await world.systems.send(request())
            await eventually(lambda: mail_server.held == 1, within=20)
            first.freeze()
            if at == "rcpt":
                mail_server.holds = None  # after the dot it stays silent: an answer would be learnt, late or not
            await another_settles(first, world.databases["notification"]["mails"], settled)
            await eventually(lambda: _none_waits(world.databases["notification"]["outbox"]), within=20)
            return [fact["kind"] for fact in world.systems.facts if fact["kind"].startswith("invite-")]


async def another_settles(first: ServiceProcess, mails: Collection, settled: str) -> None:
    """Start a second process, wait for what it makes of the first one's mail, and wake that and see it at work."""
    second = ServiceProcess("notification", first.place, first.settings, copy=2, without=first.without)
    try:
        await asyncio.to_thread(second.start)
        await eventually(lambda: _is(mails, settled), within=20)
        first.thaw()
        await eventually(lambda: "mail_attempted" in first.logs(), within=20)
    finally:
        second.stop()


async def _is(mails: Collection, state: str) -> bool:
    return await mails.count_documents({"delivery.state": state}) == 1


async def _none_waits(outbox: Collection) -> bool:
    return not await outbox.count_documents({})


async def test_a_sender_that_wakes_before_the_dot_sends_none(place: Place, mail_server: MailServer) -> None:
    """Its mail is another's by then, and was sent."""
    assert await stalled(place, mail_server, "rcpt", "sent") == ["invite-sent"]
    assert len(mail_server.mails) == 1


async def test_without_leave_a_sender_that_wakes_sends_a_second_mail(place: Place, mail_server: MailServer) -> None:
    """Switched off, the guard of the test above is missed."""
    await stalled(place, mail_server, "rcpt", "sent", without="leave")
    assert len(mail_server.mails) == 2


async def test_a_sender_that_wakes_after_the_dot_sends_none_either(place: Place, mail_server: MailServer) -> None:
    """Its mail was listed as uncertain, once; whoever decides about it finds it as it was."""
    assert await stalled(place, mail_server, "dot", "uncertain") == ["invite-failed"]
    assert len(mail_server.mails) == 1
