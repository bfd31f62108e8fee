"""A session moves to another pool in one process, while another is reading what it decides on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from chassis.committer import Committer, Plan
from chassis.deciding import Received
from chassis.documents import Loaded, Need
from chassis.due import DUE
from chassis.mongo import Mongo, Transaction, _settled
from chassis.schedule import as_event
from chassis.store import Store
from instroom_contracts.cloudevent import new_event
from services.enrolment.app import PORTIONS
from services.enrolment.domain import decision
from services.enrolment.storage.kinds import POOLS
from tests.integration.enrolment.ground import SOURCE, Ground, received
from tests.unit.enrolment.examples import CATALOG, EDITION, choice, edition, request

OWN, HALL = f"{EDITION}/een", "aanbieder:zaal"


def published(version: int, pool: str | None, seats: int | None = 3, state: str = "planned") -> Received:
    """Make the message of an edition: one session has its own pool or shares the hall, the other is there for good."""
    sessions = choice("een", capacity=seats, pool=pool, state=state), choice("twee", capacity=seats, pool="zaal")
    return received([new_event(edition(*sessions, version=version), source=CATALOG)])[0]


async def commit_while(committer: Committer, message: Received, other: Received, ground: Ground) -> None:
    """Have a process decide a message, and another one commit its own after the first of what that reads."""
    read = Store.read
    done = False

    async def disturbed(store: Store, needs: frozenset[Need], into: Loaded, session: Transaction | None) -> None:
        nonlocal done
        await read(store, needs, into, session)
        if not done:
            done = True
            await ground.committer().commit([other])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "read", disturbed)
        await committer.commit([message], await committer.prepare([message], None))


async def taken(ground: Ground) -> dict[str, int]:
    """Return how many seats are taken of each pool."""
    return {id: pool.taken for id, pool in (await ground.all(POOLS)).items()}


async def seat_given_while_the_session_moves(ground: Ground) -> None:
    """Have somebody ask for a seat, and the session move meanwhile."""
    await ground.committer().commit([published(1, None)])
    (asked,) = received([request("een")])
    await commit_while(ground.committer(), asked, published(2, "zaal"), ground)


async def test_a_seat_is_given_by_the_pool_that_the_session_has(ground: Ground) -> None:
    """Booked in the one that it had, the seat is nobody's for good, and the new one gives it again."""
    await seat_given_while_the_session_moves(ground)
    assert await taken(ground) == {OWN: 0, HALL: 1}


def at_several_moments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each reading see what there is by then."""

    @asynccontextmanager
    async def now_and_then(mongo: Mongo) -> AsyncIterator[Transaction]:
        async with await _settled(mongo._client.start_session()) as session:
            yield session

    monkeypatch.setattr(Mongo, "snapshot", now_and_then)


async def test_read_at_several_moments_it_would_be_given_by_the_one_that_it_had(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Switched off, the guard of the test above is missed."""
    at_several_moments(monkeypatch)
    await seat_given_while_the_session_moves(ground)
    assert await taken(ground) == {OWN: 1, HALL: 0}


async def places_end_while_the_session_moves(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a cancelled session's places end in portions, and the catalogue take it back and move it meanwhile."""
    monkeypatch.setattr(decision, "PORTION", 1)
    asked = [request("een", name="kim"), request("een", name="lou"), request("twee", name="sam")]
    await ground.committer().commit([published(1, "zaal"), *received(asked)])
    await ground.committer().commit([published(2, "zaal", state="cancelled")])
    (left,) = (await ground.all(DUE)).values()
    heard, event = as_event(left, PORTIONS, SOURCE)
    ending = Received(heard, "", b"", None, {}, event, "")
    await commit_while(ground.committer(), ending, published(3, None, None), ground)


async def test_a_portion_takes_no_place_from_a_session_that_goes_ahead_again(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who still has a place in a session that is reinstated keeps it, and its seat is where the session is."""
    await places_end_while_the_session_moves(ground, monkeypatch)
    assert await taken(ground) == {OWN: 1, HALL: 1}


async def test_read_at_several_moments_a_portion_would_take_a_seat_of_others(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Switched off, the guard of the test above is missed."""
    at_several_moments(monkeypatch)
    await places_end_while_the_session_moves(ground, monkeypatch)
    assert await taken(ground) == {OWN: 1, HALL: 0}


def sister(version: int, seats: int, pool: str | None) -> Received:
    """Make the message of another edition of the provider."""
    state = edition(choice("elders", capacity=seats, pool=pool), edition_id="zustereditie", version=version)
    return received([new_event(state, source=CATALOG)])[0]


async def hall_offered_on_top_of_an_edition(ground: Ground) -> int | None:
    """Have a process take in two editions, the second on top of the first, while another process changes the first.

    Its session comes to the hall with one seat. Returns how many seats the hall offers.
    """
    ours = ground.committer()
    await ours.commit([published(1, None, 9)])
    first, second = [sister(1, 8, None)], [published(2, "zaal", 9)]
    ahead = await ours.prepare(first, None)
    assert await ours.commit(first, ahead)
    await ground.committer().commit([sister(2, 1, "zaal")])
    await ours.commit(second, await ours.prepare(second, ahead))
    offered: int | None = (await ground.all(POOLS))[HALL].capacity
    return offered


async def test_nothing_is_decided_on_top_of_an_edition_that_is_on_its_way(ground: Ground) -> None:
    """Until a process has heard that its commit came about, another may have changed what that wrote."""
    assert await hall_offered_on_top_of_an_edition(ground) == 1


async def test_decided_on_top_of_it_a_room_would_offer_what_nobody_says_any_more(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Switched off, the guard of the test above is missed."""
    monkeypatch.setattr(Plan, "changes_what_is_cached", False)
    assert await hall_offered_on_top_of_an_edition(ground) == 8
