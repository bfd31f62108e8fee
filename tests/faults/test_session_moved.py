"""A session with many invitations moves while its mails go out, and the service is killed in the middle."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from services.notification.domain.invitation import Invitation
from services.notification.domain.meeting import Meeting
from services.notification.storage.kinds import INVITATIONS, MAILS, MEETINGS
from tests.e2e.world import World, open_world
from tests.faults.load import every_request_is_answered_once, load
from tests.faults.test_notification_killed import IMPATIENT, LINES
from tests.faults.watch import Watch
from tests.support.calendars import received
from tests.support.eventually import eventually
from tests.support.mailserver import MailServer
from tests.support.place import Place
from tests.support.running import running
from tests.unit.enrolment import examples
from tests.unit.notification import builders

MANY = int(os.environ.get("INSTROOM_TEST_INVITATIONS", "400"))
"""How many invitations are mailed: half of them were sent before the session moves, half of them are due."""
HUGE = int(os.environ.get("INSTROOM_TEST_INVITATIONS_FOLLOWED", "4000"))
"""How many invitations are too many for one transaction, or for memory."""

SESSION = "week-noord/proces"
MOVED, MOVED_AGAIN = builders.STARTS + timedelta(days=7), builders.STARTS + timedelta(days=14)
PATIENCE_S = 60 + MANY / 5
ON_SITE: dict[str, Any] = {"form": "on-site", "location": "Utrecht"}


def invitations(meeting: Meeting, count: int, sent: int) -> list[Invitation]:
    """Build invitations to a session: the first of them sent, the others due."""
    due = [builders.invitation(meeting, **person(number)) for number in range(count)]
    return [builders.after(one, of=meeting) if number < sent else one for number, one in enumerate(due)]


def person(number: int) -> dict[str, Any]:
    """Build somebody with an address of their own."""
    who = builders.recipient(email=f"deelnemer-{number}@example.org")
    return {"enrolment_id": f"e{number}", "invite_id": f"i{number}", "participant": who}


async def version_of(world: World) -> int:
    """Return the version of the session as it is kept."""
    document = await world.databases["notification"][MEETINGS.collection].find_one({"_id": SESSION})
    return MEETINGS.read(document).version if document else 0


async def has_moved(world: World, version: int) -> bool:
    """Say whether the session changed since it had this version."""
    return await version_of(world) > version


async def keep(world: World, count: int, sent: int) -> None:
    """Store the session's invitations as the service would have."""
    kept = world.databases["notification"]
    document = await kept[MEETINGS.collection].find_one({"_id": SESSION})
    assert document is not None
    meeting = MEETINGS.read(document)
    stored = [{"_id": one.id, "revision": 1, **INVITATIONS.write(one)} for one in invitations(meeting, count, sent)]
    await kept[MAILS].insert_many(stored)


async def test_a_session_moves_at_once_and_everybody_is_told_once(place: Place, mail_server: MailServer) -> None:
    """The change waits for no mail; who was told the old time gets one mail more, and nobody two that say the same.

    So it is again when all are told, and the whole time others ask for places elsewhere.
    """
    settings = {**IMPATIENT, "SMTP_URL": mail_server.url}
    with running(place, "notification", "enrolment", settings=settings) as services:
        async with open_world(place) as world:
            await world.publish_edition(examples.edition(), "enrolment")
            await world.publish_edition(builders.edition(builders.session(**ON_SITE)), "notification")
            async with load(world, 100_000, pause_s=0.2, systems=1) as asking:
                watch = Watch("moved while mailed", services)
                await moves_while_mails_go_out(world, mail_server, watch)
                await watch.over(asking.waited_s)
                everybody_was_told_once(mail_server, await listed(world))
                watch = Watch("moved when all were mailed", services)
                await moves_when_all_are_told(world, mail_server, watch)
                asking.stop()
            await every_request_is_answered_once(world, asking.asked)
            await watch.over(asking.waited_s)
            no_mail_is_told_twice(world)


async def moves_while_mails_go_out(world: World, mail_server: MailServer, watch: Watch) -> None:
    """Move the session when half of its mails are to go out still, and kill the service in the middle of the rest."""
    mail_server.holds = "dot"
    await keep(world, MANY, MANY // 2)
    await eventually(lambda: mail_server.held >= LINES, within=20)
    before = await version_of(world)
    await world.publish_edition(moved(), "notification")
    await eventually(lambda: has_moved(world, before), within=5)
    assert mail_server.held >= LINES, "the change did not wait for the mails that go out"
    mail_server.holds = None
    await watch.until(partial(mailed, mail_server), MANY // 2, within=PATIENCE_S)
    await watch.kill(watch.services[0])
    await watch.until(partial(mailed, mail_server), MANY - LINES, within=PATIENCE_S)
    await eventually(lambda: all_are_told(world), within=PATIENCE_S)


async def moves_when_all_are_told(world: World, mail_server: MailServer, watch: Watch) -> None:
    """Move the session again, and look at who hears of it."""
    already = len(mail_server.mails)
    await world.publish_edition(moved(MOVED_AGAIN, version=3), "notification")
    await watch.until(partial(mailed, mail_server), already + MANY, within=PATIENCE_S)
    await eventually(lambda: all_are_told(world), within=PATIENCE_S)
    hear = Counter(mail.recipients[0] for mail in mail_server.mails[already:])
    assert len(hear) == MANY
    assert set(hear.values()) == {1}
    assert {received(mail.raw).entry.starts_at for mail in mail_server.mails[already:]} == {MOVED_AGAIN}


async def mailed(mail_server: MailServer) -> int:
    """Return how many mails were taken."""
    return len(mail_server.mails)


def no_mail_is_told_twice(world: World) -> None:
    """Check that each mail is told to be sent once; the same fact may come again, since its relay was killed."""
    sent = {fact["id"]: fact["data"] for fact in world.systems.facts if fact["kind"] == "invite-sent"}
    told = Counter((one["enrolmentId"], one["sequence"]) for one in sent.values())
    assert set(told.values()) == {1}


async def test_so_many_invitations_follow_in_portions_whatever_is_killed(place: Place, mail_server: MailServer) -> None:
    """None is forgotten, and none judged twice, which would send another mail; the mail server takes none meanwhile."""
    mail_server.holds = "dot"
    with running(place, "notification", settings={**IMPATIENT, "SMTP_URL": mail_server.url}) as (mails,):
        async with open_world(place) as world:
            await world.publish_edition(builders.edition(builders.session(**ON_SITE)), "notification")
            await keep(world, HUGE, HUGE)
            before = await version_of(world)
            await world.publish_edition(moved(), "notification")
            await eventually(lambda: has_moved(world, before), within=5)
            await eventually(lambda: have_followed(world, before, HUGE // 10), within=30, every=0.005)
            mails.kill()
            assert not await have_followed(world, before, HUGE), "killed in the middle"
            await asyncio.to_thread(mails.start)
            await eventually(lambda: have_followed(world, before, HUGE), within=120)
            await eventually(lambda: nothing_is_behind(world), within=20)
            again = {"delivery.state": {"$in": ["pending", "retry", "sending"]}, "mail.sequence": 1}
            kept = world.databases["notification"][MAILS]
            left = await kept.count_documents({**again, "mail.shows.startsAt": MOVED})
            assert left + len(await listed(world)) == HUGE


async def have_followed(world: World, version: int, count: int) -> bool:
    """Say whether so many invitations were judged since the session had this version."""
    kept = world.databases["notification"][MAILS]
    return await kept.count_documents({"session": SESSION, "seen": {"$gt": version}}) >= count


async def nothing_is_behind(world: World) -> None:
    """Check that no session is marked as behind."""
    assert not await world.databases["notification"][MEETINGS.collection].count_documents({"behind": True})


def moved(to: datetime = MOVED, version: int = 2) -> Any:
    """Build the edition with its session at another time."""
    return builders.edition(builders.session(starts_at=to, ends_at=to + timedelta(hours=3), **ON_SITE), version=version)


async def all_are_told(world: World) -> None:
    """Check that none of the session's mails is under way, and that no session is behind."""
    under_way = {"session": SESSION, "delivery.state": {"$nin": ["sent", "uncertain"]}}
    assert not await world.databases["notification"][MAILS].count_documents(under_way)
    await nothing_is_behind(world)


async def listed(world: World) -> set[str]:
    """Return the addresses of which nobody knows whether the mail server took their mail."""
    held = world.databases["notification"][MAILS].find({"delivery.state": "uncertain"})
    return {INVITATIONS.read(document).participant.email async for document in held}


def everybody_was_told_once(mail_server: MailServer, uncertain: set[str]) -> None:
    """Check each mailbox: the new time once, and the old time before it where that had left already."""
    told: dict[str, list[bool]] = {}
    for mail in mail_server.mails:
        told.setdefault(mail.recipients[0], []).append(received(mail.raw).entry.starts_at == MOVED)
    assert len(uncertain) <= LINES
    assert len(told.keys() | uncertain) == MANY
    assert all(times in ([True], [False, True]) for address, times in told.items() if address not in uncertain)
    assert sum(times[0] is False for times in told.values()) <= LINES, "said an old time after the change"
