"""Documents that somebody or a defect has spoilt: each is set aside, and the others go out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from structlog.testing import capture_logs

from cli.mails import unsent
from cli.mails.unsent import Which
from services.notification.sending import ledger
from services.notification.sending.following import Following
from services.notification.sending.sender import Pace, Sender
from services.notification.sending.smtp import Server, SmtpConnection
from services.notification.storage.kinds import LETTERS, MAILS, MEETINGS
from services.notification.writing.composing import compose
from tests.integration.notification.world import MOVED, SESSION, World, many
from tests.support.eventually import eventually
from tests.support.mailserver import MailServer
from tests.unit.notification.builders import IDENTITY, NOW, after, edition, invitation, meeting, notice

SPOILT: list[Any] = [
    pytest.param({"$unset": {"participant": 1}}, id="nobody to mail"),
    pytest.param({"$set": {"participant.email": 7}}, id="no address"),
    pytest.param({"$unset": {"mail": 1}}, id="no mail"),
    pytest.param({"$set": {"delivery.due": "tomorrow"}}, id="no moment"),
]
FIRST = "e0.week-noord.proces"


@asynccontextmanager
async def sending(world: World, mail_server: MailServer) -> AsyncIterator[asyncio.Task[None]]:
    """Send what is due, as the service does, for the length of the block."""
    dial = partial(SmtpConnection, Server("127.0.0.1", mail_server.port))
    pace = Pace(connections=1, poll_s=0.02, stop_s=5, leave_s=60)
    task = asyncio.create_task(Sender(world.ledger, partial(compose, identity=IDENTITY), dial, lambda: NOW, pace).run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def spoil(world: World, change: dict[str, Any], id: str = FIRST) -> None:
    """Spoil an invitation, or the notice."""
    await world.database[MAILS].update_one({"_id": id}, change)


async def sent(world: World, number: int) -> None:
    """Check that so many invitations are sent."""
    assert await world.database[MAILS].count_documents({"kind": "invitation", "delivery.state": "sent"}) == number


async def listed(world: World) -> list[tuple[str, str]]:
    """Return what the operator is shown of what is set aside: ids, and how far each had come."""
    rows = await unsent.found(world.database, Which(state="unreadable"))
    return [(row["id"], row["trouble"]) for row in rows]


@pytest.mark.parametrize("change", SPOILT)
async def test_a_mail_that_cannot_be_read_is_set_aside_and_others_go_out(
    world: World, mail_server: MailServer, change: dict[str, Any]
) -> None:
    """It is named in the log and in the list; what can be read of it is not lost."""
    await world.know(edition(), meeting())
    await world.keep(*many(3), notice())
    await spoil(world, change)
    with capture_logs() as logs:
        async with sending(world, mail_server):
            await eventually(lambda: sent(world, 2))
            await eventually(lambda: len(mail_server.mails) == 3)
    assert [one["invite_id"] for one in logs if one["event"] == "mail_unreadable"] == [FIRST]
    assert await listed(world) == [(FIRST, "was-pending")]


async def test_a_revision_that_is_no_number_holds_up_nobody(world: World, mail_server: MailServer) -> None:
    """Claiming the mail makes it one, and nothing else is wrong with it."""
    await world.know(edition(), meeting())
    await world.keep(*many(2))
    await spoil(world, {"$set": {"revision": "7"}})
    async with sending(world, mail_server):
        await eventually(lambda: sent(world, 2))


async def test_a_notice_that_cannot_be_read_is_set_aside_too(world: World, mail_server: MailServer) -> None:
    """There are two kinds of mails."""
    await world.keep(notice())
    await spoil(world, {"$unset": {"request.participant": 1}}, notice().id)
    async with sending(world, mail_server):
        await eventually(lambda: _listed(world, notice().id))


async def _listed(world: World, id: str) -> None:
    assert [listed for listed, _ in await listed(world)] == [id]


async def test_one_that_was_sent_keeps_no_address_from_being_asked_for(world: World) -> None:
    """Whether a server takes any mail is asked with addresses that it took mails for, and one of those was spoilt."""
    await world.know(edition(), meeting())
    await world.keep(*(replace(one, delivery=replace(one.delivery, state="sent")) for one in many(2)))
    await spoil(world, {"$unset": {"participant": 1}})
    assert len(await world.ledger.served()) == 1
    assert await listed(world) == [(FIRST, "was-sent")]


async def test_without_setting_it_aside_no_mail_is_sent_any_more(
    world: World, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twin of the tests above: the sender ends, and the service with it, at every start."""

    async def trusting(_: object, document: Any, *__: object) -> Any:
        return LETTERS[document["kind"]].read(document)

    monkeypatch.setattr(ledger, "readable", trusting)
    await world.know(edition(), meeting())
    await world.keep(*many(3))
    await spoil(world, {"$unset": {"participant": 1}})
    async with sending(world, mail_server) as task:
        with pytest.raises(KeyError, match="participant"):
            await task
    assert not mail_server.mails


async def test_one_that_was_left_behind_may_have_arrived(world: World, mail_server: MailServer) -> None:
    """Its sender died after the dot; whoever releases it is told that."""
    await world.keep(invitation(enrolment_id="e0"))
    letter = await world.claimed()
    await world.database[MEETINGS.collection].insert_one({"_id": SESSION, "version": 0})
    assert await world.ledger.hand_over(letter)
    await world.lapse(letter)
    await spoil(world, {"$unset": {"participant": 1}})
    async with sending(world, mail_server):
        await eventually(lambda: _listed(world, FIRST))
    assert await listed(world) == [(FIRST, "was-uncertain")]


async def test_what_is_mended_and_released_is_sent(world: World, mail_server: MailServer) -> None:
    """By hand, and by a command."""
    await world.know(edition(), meeting())
    await world.keep(*many(1))
    whole = (await world.stored(many(1)[0]))["participant"]
    await spoil(world, {"$unset": {"participant": 1}})
    async with sending(world, mail_server):
        await eventually(lambda: _listed(world, FIRST))
        await spoil(world, {"$set": {"participant": whole}})
        await unsent.release(world.database, await unsent.found(world.database, Which(ids=(FIRST,))))
        await eventually(lambda: sent(world, 1))


async def test_the_others_follow_a_change_of_their_session(world: World) -> None:
    """One that is spoilt must not keep everybody from hearing of the new time, nor the session from being done with."""
    await world.know(edition(), meeting())
    await world.keep(*map(after, many(3)))
    await spoil(world, {"$unset": {"participant": 1}})
    await world.change(MOVED)
    follower = Following(world.database, lambda: NOW, 0.01)
    while await follower.follow():
        pass
    assert await listed(world) == [(FIRST, "was-sent")]
    states = [document["delivery"]["state"] async for document in world.database[MAILS].find({})]
    assert sorted(states) == ["pending", "pending", "unreadable"]
    assert not await world.database[MEETINGS.collection].count_documents({"behind": True})


async def test_a_session_that_cannot_be_read_keeps_its_own_mails_only(world: World, mail_server: MailServer) -> None:
    """They wait until it is mended; those of other sessions, and what follows these, go on."""
    await world.know(edition(), meeting())
    await world.keep(*many(1), notice())
    await world.database[MEETINGS.collection].update_one({"_id": SESSION}, {"$set": {"session": 7, "behind": True}})
    follower = Following(world.database, lambda: NOW, 0.01)
    assert not await follower.follow()
    async with sending(world, mail_server):
        await eventually(lambda: len(mail_server.mails) == 1)
        await eventually(lambda: _tried(world))


async def _tried(world: World) -> None:
    assert (await world.read(many(1)[0])).delivery.state in {"retry", "failed"}, "tried, in vain"
