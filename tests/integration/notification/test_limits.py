"""What one mailbox gets in a day, counted in a real database by several senders, and asked for at several services."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from chassis.mongo import Database
from instroom_contracts.cloudevent import new_event
from instroom_contracts.notification import NoticeRequested
from instroom_contracts.topology import PRIVATE
from services.notification.sending import limits
from services.notification.sending.ledger import MongoLedger
from services.notification.sending.limits import KEPT_S, DailyCap
from tests.e2e.world import World as Outside
from tests.e2e.world import open_world
from tests.integration.notification.test_pausing import Sending, states
from tests.integration.notification.world import World, many
from tests.support.eventually import eventually
from tests.support.mailserver import MailServer
from tests.support.place import Place
from tests.support.running import running
from tests.unit.enrolment.examples import CATALOG
from tests.unit.notification.builders import NOW, edition, meeting, notice, recipient

ADDRESS = "robin@example.org"


async def test_senders_together_admit_no_more_than_one_would(world: World) -> None:
    """Each counts in the same update in which it looks."""
    caps = [DailyCap(world.database, 5) for _ in range(3)]
    asked = [cap.admits(f"mail-{number}", ADDRESS, NOW) for number in range(10) for cap in caps]
    admitted = await asyncio.gather(*asked)
    assert sum(admitted) == 3 * 5


async def test_a_mail_counts_once_however_often_it_is_tried(world: World) -> None:
    """A mail server that is busy all day would use up everybody's share."""
    cap = DailyCap(world.database, 2)
    assert all([await cap.admits("one", ADDRESS, NOW) for _ in range(5)])
    assert await cap.admits("two", ADDRESS.upper(), NOW)
    assert not await cap.admits("three", ADDRESS, NOW)
    assert await cap.admits("one", ADDRESS, NOW)


async def test_the_next_day_begins_anew_and_others_have_their_own_share(world: World) -> None:
    """The limit is one of a mailbox and a day."""
    cap = DailyCap(world.database, 1)
    assert await cap.admits("one", ADDRESS, NOW)
    assert await cap.admits("two", ADDRESS, NOW + timedelta(days=1))
    assert await cap.admits("two", "sam@example.org", NOW)
    assert not await cap.admits("two", ADDRESS, NOW)


@pytest.mark.parametrize("tagged", [True, False], ids=["guard", "twin without it"])
async def test_a_tag_buys_nobody_another_share(world: World, monkeypatch: pytest.MonkeyPatch, tagged: bool) -> None:
    """Whoever floods somebody writes a number behind a plus; where no tags are known, few addresses have one."""
    if not tagged:
        monkeypatch.setattr(limits, "untagged", str)
    cap = DailyCap(world.database, 2)
    admitted = [await cap.admits(f"mail-{number}", f"robin+{number}@example.org", NOW) for number in range(5)]
    assert sum(admitted) == (2 if tagged else 5)
    assert await cap.admits("other", "+robin@example.org", NOW)


async def test_what_is_counted_names_nobody_and_is_forgotten(world: World) -> None:
    """It grows with the mails of two days, not with all that were ever sent."""
    await limits.prepare(world.database)
    await DailyCap(world.database, 5).admits("one", ADDRESS, NOW)
    assert "robin" not in str(await world.database["mailed"].find({}).to_list(None))
    for collection in ("mailed", "refusals"):
        indexes = await world.database[collection].index_information()
        assert indexes["at_1"]["expireAfterSeconds"] == KEPT_S


async def test_mails_above_the_cap_are_held_and_sent_once_somebody_says_so(
    world: World, mail_server: MailServer
) -> None:
    """Invitations and notices count together; whoever looked at the held ones decides."""
    await world.know(edition(), meeting())
    await world.keep(*many(4), notice())
    world.ledger = world.ledger_of(MongoLedger, daily_cap=3)
    await Sending(world, mail_server).all_due()
    assert len(mail_server.mails) == 3
    assert await held(world.database) == 2
    assert not [fact for fact in await world.told() if "attempts" in fact]
    released = {"$set": {"delivery.state": "pending", "delivery.released": True}}
    await world.database["mails"].update_many({"delivery.state": "held"}, released)
    await Sending(world, mail_server).all_due()
    assert len(mail_server.mails) == 5
    assert await states(world) == {"sent": 5}


async def held(database: Database) -> int:
    """Count the mails that are held."""
    return await database["mails"].count_documents({"delivery.state": "held"})


async def many_ask(place: Place, mail_server: MailServer, *, without: str | None = None) -> int:
    """Have the same refusal asked for forty times, of two services at once; return how many mails that makes."""
    settings = {"SMTP_URL": mail_server.url, "BATCH_SIZE": "1"}
    with running(place, "notification", "notification", settings=settings, without=without):
        async with open_world(place) as world:
            await asyncio.gather(*(ask(world, f"n{number}") for number in range(40)))
            inbox = world.databases["notification"]["inbox"]
            await eventually(lambda: _holds(inbox, 40), within=20)
            mails = world.databases["notification"]["mails"]
            await eventually(lambda: _all_sent(mails), within=20)
    return len(mail_server.mails)


async def ask(world: Outside, id: str) -> None:
    """Ask for a refusal mail, as the enrolment service does."""
    asked = NoticeRequested(notice_id=id, kind="refusal", participant=recipient(), reason="unknown-edition")
    await world.publish(new_event(asked, source=CATALOG, id=id), PRIVATE)


async def _holds(inbox: object, count: int) -> bool:
    return bool(await inbox.count_documents({}) == count)  # type: ignore[attr-defined]


async def _all_sent(mails: object) -> bool:
    return not await mails.count_documents({"delivery.state": {"$ne": "sent"}})  # type: ignore[attr-defined]


async def test_a_refusal_asked_for_by_many_at_once_is_one_mail(place: Place, mail_server: MailServer) -> None:
    """Two services decide at the same time; one of them commits, the other sees it and decides again."""
    assert await many_ask(place, mail_server) == 1


async def test_without_restraint_it_is_a_mail_for_each(place: Place, mail_server: MailServer) -> None:
    """Switched off, the guard of the test above is missed."""
    with pytest.raises(AssertionError):
        assert await many_ask(place, mail_server, without="restraint") == 1
