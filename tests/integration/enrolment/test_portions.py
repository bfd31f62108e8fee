"""Long work on a real database: a session's enrolments are found, and what is left is gone on with."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from chassis.documents import First, Loaded
from chassis.due import DUE
from chassis.schedule import Schedule
from chassis.store import Store
from instroom_contracts.cloudevent import new_event
from services.enrolment.app import PORTIONS, prepare
from services.enrolment.domain import decision, endings
from services.enrolment.storage.kinds import ENROLMENTS, ENROLMENTS_BY_SESSION, HELD_IN, PARTICIPANTS, POOLS
from tests.integration.enrolment.ground import SOURCE, Ground, at_work, received
from tests.support.eventually import eventually
from tests.unit.enrolment.examples import ASKED, CATALOG, EDITION, choice, edition, request, session

HALL = session(capacity=20)
OFF = session(capacity=20, state="cancelled")
PEOPLE = 30


def going_on() -> Schedule:
    """Build what goes on with long work, as the service does."""
    return Schedule(PORTIONS, (), SOURCE)


async def nothing_left(ground: Ground, within: float = 20) -> None:
    """Wait until all is done."""

    async def done() -> bool:
        return not await ground.all(DUE)

    await eventually(done, within=within)


async def enrolled(ground: Ground) -> None:
    """Enrol some people: some have a seat, some wait."""
    published = new_event(edition(HALL), source=CATALOG)
    await ground.committer().commit(received([published, *(request(name=f"deelnemer-{n}") for n in range(PEOPLE))]))


async def cancelled(ground: Ground) -> None:
    """Cancel their session."""
    await ground.committer().commit(received([new_event(edition(OFF, version=2), source=CATALOG, time=ASKED)]))


async def everything_ended_once(ground: Ground) -> None:
    """Check that nothing is held, and that each end was told once."""
    kept = await ground.all(ENROLMENTS)
    assert {one.state for one in kept.values()} == {"cancelled"}
    assert not await ground.all(PARTICIPANTS)
    (pool,) = (await ground.all(POOLS)).values()
    assert (pool.taken, pool.waiting) == (0, 0)
    told = Counter(await ground.told())
    assert told["nl.enrolments.enrolment-cancelled.v1"] == PEOPLE
    assert told["nl.enrolments.place-released.v1"] == PEOPLE
    assert told["nl.enrolments.notice-requested.v1"] == 2 * (PEOPLE - 20), "that one waits, and that it is off"


async def test_a_document_is_found_under_each_of_its_groups(ground: Ground) -> None:
    """An enrolment has several sessions; what it holds no more, it is not found under."""
    store, need = Store(ground.database), First(ENROLMENTS_BY_SESSION, f"{EDITION}/atelier", 5)
    published = new_event(edition(HALL, choice("atelier"), choice("anders")), source=CATALOG)
    asked = [request("atelier", name="robin"), request("anders", name="kim"), request("atelier", name="sam")]
    await ground.committer().commit(received([published, *asked]))
    loaded = Loaded()
    await store.read(frozenset([need]), loaded, None)
    found = loaded.heads[need]
    assert {one.participant.name for _, one in found.members} == {"Robin", "Sam"}
    assert found.complete


async def test_what_is_left_is_gone_on_with_until_nothing_is(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """By itself, in as many commits as it takes."""
    monkeypatch.setattr(decision, "PORTION", 4)
    await enrolled(ground)
    await cancelled(ground)
    assert len(await ground.all(DUE)) == 1
    async with at_work(ground, going_on().run):
        await nothing_left(ground)
    await everything_ended_once(ground)


async def test_two_processes_do_each_portion_once(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both may take up the same one, when one of them was thought dead."""
    monkeypatch.setattr(decision, "PORTION", 4)
    monkeypatch.setattr("chassis.schedule.Lease.hold", _always)
    await enrolled(ground)
    await cancelled(ground)
    async with at_work(ground, going_on().run), at_work(ground, going_on().run):
        await nothing_left(ground)
    await everything_ended_once(ground)


async def _always(_: object) -> bool:
    return True


async def test_work_that_a_handler_fails_on_rests_and_others_goes_on(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What failed stands in quarantine once; the rest of the service does not notice."""
    monkeypatch.setattr(decision, "PORTION", 4)
    await enrolled(ground)
    await cancelled(ground)
    end_places, failures = endings.end_places, iter([True, True])

    def failing(*arguments: Any) -> bool:
        if next(failures, False):
            raise RuntimeError("as a defect would")
        return end_places(*arguments)

    monkeypatch.setattr("services.enrolment.handlers.editions.end_places", failing)
    async with at_work(ground, going_on().run):
        await nothing_left(ground)
    await everything_ended_once(ground)
    assert [row["reason"] for row in await ground.rows("quarantine")] == ["failed"]


async def of_an_earlier_release(ground: Ground) -> None:
    """Leave what 0.2.0 did: no enrolment names its sessions, and all are live although their session is cancelled."""
    await enrolled(ground)
    await ground.database["enrolments"].update_many({}, {"$unset": {HELD_IN: ""}})
    await ground.database["editions"].update_many({}, {"$set": {"sessions.0.state": "cancelled", "version": 2}})


async def test_places_that_an_earlier_release_left_end_at_the_start(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has to load the catalogue again, and a second start changes nothing."""
    monkeypatch.setattr(decision, "PORTION", 4)
    await of_an_earlier_release(ground)
    for _ in range(2):
        await prepare(ground.database, datetime.now(UTC))
    assert len(await ground.all(DUE)) == 1
    async with at_work(ground, going_on().run):
        await nothing_left(ground)
    kept = await ground.all(ENROLMENTS)
    assert {one.state for one in kept.values()} == {"cancelled"}
    await prepare(ground.database, datetime.now(UTC))
    assert not await ground.all(DUE)
