"""A session with many invitations moves while its mails go out, and the service is killed in the middle."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta
from typing import Any

from services.notification.domain import Invitation, Meeting
from services.notification.storage import INVITATIONS, MEETINGS
from tests.e2e.world import World, open_world
from tests.faults.test_notification_killed import IMPATIENT, LINES
from tests.support.calendars import received
from tests.support.eventually import eventually
from tests.support.mailserver import MailServer
from tests.support.place import Place
from tests.support.running import running
from tests.unit.notification import builders

MANY = int(os.environ.get("INSTROOM_TEST_INVITATIONS", "400"))
"""How many invitations are mailed: half of them were sent before the session moves, half of them are due."""
HUGE = int(os.environ.get("INSTROOM_TEST_INVITATIONS_FOLLOWED", "4000"))
"""How many invitations are too many for one transaction, or for memory."""

SESSION = "week-noord/proces"
MOVED = builders.STARTS + timedelta(days=7)
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
    await kept[INVITATIONS.collection].insert_many(stored)


async def test_a_session_moves_at_once_and_everybody_is_told_once(place: Place, mail_server: MailServer) -> None:
    """The change waits for no mail; who was told the old time gets one mail more, and nobody two that say the same."""
    settings = {**IMPATIENT, "SMTP_URL": mail_server.url}
    with running(place, "notification", settings=settings) as (mails,):
        async with open_world(place) as world:
            await world.publish_edition(builders.edition(builders.session(**ON_SITE)), "notification")
            mail_server.holds = "dot"
            await keep(world, MANY, MANY // 2)
            await eventually(lambda: mail_server.held >= LINES, within=20)
            before = await version_of(world)
            await world.publish_edition(moved(), "notification")
            await eventually(lambda: has_moved(world, before), within=5)
            assert mail_server.held >= LINES, "the change did not wait for the mails that go out"
            mail_server.holds = None
            await eventually(lambda: len(mail_server.mails) > MANY // 2, within=60 + MANY / 50)
            mails.kill()
            await asyncio.to_thread(mails.start)
            await eventually(lambda: all_are_told(world), within=60 + MANY / 50)
            everybody_was_told_once(mail_server, await listed(world))


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
            kept = world.databases["notification"][INVITATIONS.collection]
            left = await kept.count_documents({**again, "mail.shows.startsAt": MOVED})
            assert left + len(await listed(world)) == HUGE


async def have_followed(world: World, version: int, count: int) -> bool:
    """Say whether so many invitations were judged since the session had this version."""
    kept = world.databases["notification"][INVITATIONS.collection]
    return await kept.count_documents({"session": SESSION, "seen": {"$gt": version}}) >= count


async def nothing_is_behind(world: World) -> None:
    """Check that no session is marked as behind."""
    assert not await world.databases["notification"][MEETINGS.collection].count_documents({"behind": True})


def moved() -> Any:
    """Build the edition with its session a week later."""
    later = builders.session(starts_at=MOVED, ends_at=MOVED + timedelta(hours=3), **ON_SITE)
    return builders.edition(later, version=2)


async def all_are_told(world: World) -> None:
    """Check that no mail is under way, and that no session is behind."""
    under_way = {"delivery.state": {"$nin": ["sent", "uncertain"]}}
    assert not await world.databases["notification"][INVITATIONS.collection].count_documents(under_way)
    await nothing_is_behind(world)


async def listed(world: World) -> set[str]:
    """Return the addresses of which nobody knows whether the mail server took their mail."""
    held = world.databases["notification"][INVITATIONS.collection].find({"delivery.state": "uncertain"})
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
