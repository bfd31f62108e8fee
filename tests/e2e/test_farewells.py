"""An upgrade from 0.2.0: who gave up a place without notification being told is mailed about that session no more.

`left_by_0.2.0.json` is what its own services kept of six editions, each of one session online. Kim is enrolled in all.
Robin signed off from `begonnen`, `verplaatst` and `voorbij` the day after their session; then 0.2.0 moved two of these,
`verplaatst` to 2099 and `voorbij` by two weeks, and mailed Robin. From `afgelast` and `hersteld`, both of 2099, Robin
signed off while they were cancelled; `hersteld` takes place again, and Robin enrolled once more. In `vol` Robin waited
for a seat and left, and Lou left in time, which 0.2.0 did tell.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from bson.json_util import loads

from services.enrolment.domain.ids import enrolment_id
from tests.e2e.world import World, open_world
from tests.support.calendars import received
from tests.support.eventually import eventually
from tests.support.mailserver import MailServer
from tests.support.place import Place
from tests.support.running import running
from tests.unit.enrolment.examples import WEBSITE, edition, request, session

STORED = Path(__file__).with_name("left_by_0.2.0.json")
EDITIONS = ("afgelast", "begonnen", "hersteld", "verplaatst", "vol", "voorbij")
MOVED = datetime(2099, 7, 1, 7, 0, tzinfo=UTC)
ONE_EACH = "every confirmed place has one invitation"

Mail = tuple[str, str, str]
"""Who got it, about which edition, and what it does to the calendar."""

WITHDRAWN: set[Mail] = {("robin", "verplaatst", "CANCEL")}
"""The one session to come on the calendar of somebody who has no place in it."""
NEW_DATES: set[Mail] = {
    *(("kim", id, "REQUEST") for id in EDITIONS if id != "afgelast"),
    ("robin", "hersteld", "REQUEST"),
    ("pat", "vol", "REQUEST"),
}
"""Kim's place in `afgelast` ended with its session; nobody is put back."""


async def upgraded(
    place: Place, mail_server: MailServer, *, without: str | None = None
) -> tuple[list[Mail], list[Mail], set[str]]:
    """Start on what 0.2.0 left, then move every session; return the mails of either, and the promises that broke.

    Notification comes first, to make the queues that 0.2.0 would have left as well.
    """
    settings = {"SMTP_URL": mail_server.url, "MAIL_POLL_MS": "50"}
    async with open_world(place) as world:
        await keep_what_0_2_0_left(world)
        with running(place, "notification", "enrolment", settings=settings, without=without):
            await eventually(lambda: nothing_is_left(world), within=20)
            await world.systems.send(request(name="pat", edition_id="vol"))
            await eventually(lambda: ("pat", "vol", "REQUEST") in mails(mail_server), within=20)
            await eventually(lambda: everything_is_sent(world), within=20)
            at_once = [mail for mail in mails(mail_server) if mail[0] != "pat"]
            mail_server.mails.clear()
            for id in EDITIONS:
                await world.publish_edition(edition(session("sessie", starts_at=MOVED), edition_id=id, version=9))
            await eventually(lambda: everything_has_followed(world), within=20)
            broken = {verdict.promise for verdict in await world.verdicts(settle=0)}
            return at_once, mails(mail_server), broken


async def keep_what_0_2_0_left(world: World) -> None:
    """Store its documents, in whose form nothing is refused yet."""
    for service, collections in loads(STORED.read_text()).items():
        for collection, rows in collections.items():
            await world.databases[service][collection].insert_many(rows)


async def nothing_is_left(world: World) -> None:
    """Check that portions are done and told: what is asked of notification later comes after them."""
    for collection in ("unfinished", "outbox"):
        assert not await world.databases["enrolment"][collection].count_documents({})


async def everything_is_sent(world: World) -> None:
    """Check that no mail is due."""
    due = {"delivery.state": {"$in": ["pending", "sending", "retry"]}}
    assert not await world.databases["notification"]["mails"].count_documents(due)


async def everything_has_followed(world: World) -> None:
    """Check that every edition is known, and every mail about it sent."""
    kept = world.databases["notification"]
    assert await kept["editions"].count_documents({"version": 9}) == len(EDITIONS)
    assert not await kept["meetings"].count_documents({"behind": True})
    await everything_is_sent(world)


def mails(mail_server: MailServer) -> list[Mail]:
    """Return what the mail server got, in alphabetical order."""
    got = [(mail.recipients[0].partition("@")[0], received(mail.raw)) for mail in mail_server.mails]
    return sorted((who, mail.uid.split(".")[1], mail.method) for who, mail in got)


async def test_who_left_without_a_word_is_not_mailed_again(place: Place, mail_server: MailServer) -> None:
    """Nobody has to mend it: what stands on a calendar and is to come is withdrawn, all else is silence."""
    at_once, later, broken = await upgraded(place, mail_server)
    assert at_once == sorted(WITHDRAWN)
    assert later == sorted(NEW_DATES)
    again = enrolment_id(WEBSITE, "robin-hersteld-opnieuw")
    about = {received(mail.raw).uid for mail in mail_server.mails if mail.recipients == ("robin@example.org",)}
    assert [uid.partition(".")[0] for uid in about] == [again]
    assert ONE_EACH not in broken


async def test_without_telling_they_are_invited_to_what_they_left(place: Place, mail_server: MailServer) -> None:
    """The twin: switched off, the guard of the test above is missed."""
    at_once, later, broken = await upgraded(place, mail_server, without="farewells")
    assert not at_once
    once_more = [("robin", id, "REQUEST") for id in ("afgelast", "begonnen", "hersteld", "verplaatst", "voorbij")]
    assert later == sorted([*NEW_DATES, *once_more])
    assert ONE_EACH in broken
