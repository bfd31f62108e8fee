"""What changed about a session reaches its invitations, in portions, while mails go out and requests come in."""

from __future__ import annotations

import pytest

from services.notification.handlers.invite import invite_or_withdraw
from services.notification.sending import following
from services.notification.sending.following import Following
from services.notification.storage.kinds import MAILS, MEETINGS
from tests.integration.notification.world import MOVED, SESSION, World, many
from tests.unit.notification.builders import ACCEPTED, NOW, after, edition, meeting, request


def follower(world: World) -> Following:
    """Build what follows sessions, as the service does."""
    return Following(world.database, lambda: NOW, 0.01)


async def followed(world: World) -> int:
    """Follow until nothing is behind; return in how many portions."""
    portions = 0
    while await follower(world).follow():
        portions += 1
    return portions


async def sessions_behind(world: World) -> int:
    """Count the sessions that are marked."""
    return await world.database[MEETINGS.collection].count_documents({"behind": True})


async def test_a_change_reaches_every_invitation_in_portions(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are, no transaction and no memory holds them all."""
    monkeypatch.setattr(following, "PORTION", 10)
    await world.know(edition(), meeting())
    await world.keep(*map(after, many(25)))
    await world.change(MOVED)
    assert await followed(world) == 3
    states = [(await world.read(one)).delivery.state for one in many(25)]
    assert states == ["pending"] * 25
    assert not await sessions_behind(world)


async def test_a_session_stays_behind_while_one_of_its_mails_is_being_sent(world: World) -> None:
    """That one is judged when its attempt has ended."""
    await world.know(edition(), meeting())
    await world.keep(many(1)[0])
    letter = await world.claimed()
    await world.change(MOVED)
    assert not await followed(world)
    assert await sessions_behind(world) == 1
    await world.ledger.finish(letter, ACCEPTED, NOW)
    assert not await followed(world)
    assert not await sessions_behind(world)


async def test_what_is_behind_is_found_by_an_index(world: World) -> None:
    """A portion must not cost a look at every invitation of a session, let alone of all sessions."""
    await world.know(edition(), meeting())
    await world.keep(*map(after, many(3)))
    behind = following._behind(SESSION, await world.change(MOVED))
    plan = await world.database.command({"explain": {"find": MAILS, "filter": behind}})
    assert "session_1_seen_1" in str(plan["queryPlanner"]["winningPlan"])


@pytest.mark.parametrize("written_along", [True, False], ids=["guard", "twin without it"])
async def test_a_request_that_was_judged_by_an_earlier_session_conflicts(world: World, written_along: bool) -> None:
    """A session is reinstated, and all follow, while a request is judged by it as cancelled: who asked got nothing."""
    await world.know(edition(), meeting(called_off=True))
    decided = await world.decided(invite_or_withdraw, request())
    await world.change(meeting())
    await followed(world)
    if not written_along:
        decided = {key: value for key, value in decided.items() if key[0] is not MEETINGS}
    assert await world.written(decided) is not written_along
    await followed(world)
    lost = await world.database[MAILS].find_one({"delivery.state": "dropped"})
    assert (lost is None) is written_along
