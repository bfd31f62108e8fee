"""Places that 0.2.0 took back are told to notification after an upgrade: each once, in portions, whatever is killed."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic_core import from_json

from chassis.due import DUE
from instroom_contracts.cloudevent import new_event
from services.enrolment.app import prepare
from services.enrolment.domain import decision
from services.enrolment.domain.ids import enrolment_id
from services.enrolment.migrations import unsettled
from services.enrolment.storage.kinds import HELD_IN, UNTOLD
from tests.integration.enrolment.ground import Ground, at_work, received
from tests.integration.enrolment.test_portions import going_on, nothing_left
from tests.support.eventually import eventually
from tests.unit.enrolment.examples import CATALOG, WEBSITE, cancellation, edition, request, session

GONE = 25
"""So many had a seat and left; one more waited and left, and another one stays."""


def of(name: str) -> str:
    """Return the id of somebody's enrolment."""
    return enrolment_id(WEBSITE, f"request-of-{name}")


@pytest.fixture
async def old(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> Ground:
    """Provide a database as 0.2.0 left it, without a word of who left, and let a portion be small."""
    monkeypatch.setattr(decision, "PORTION", 4)
    leaving = [f"weg-{number}" for number in range(GONE)]
    published = new_event(edition(session(capacity=GONE + 1)), source=CATALOG)
    asked = [request(name=name) for name in ("blijft", *leaving, "wachtte")]
    asked = [one.model_copy(update={"id": f"request-of-{one.data.participant.name.lower()}"}) for one in asked]
    await ground.committer().commit(received([published, *asked]))
    await ground.committer().commit(received([cancellation(of(name)) for name in ("wachtte", *leaving)]))
    await ground.database["outbox"].delete_many({})
    await ground.database["enrolments"].update_many({}, {"$unset": {HELD_IN: ""}})
    return ground


async def withdrawn(ground: Ground) -> list[dict[str, Any]]:
    """Return the withdrawals that notification is asked for."""
    events = [event for row in await ground.rows("outbox") for event in row["events"]]
    data = [from_json(event["body"])["data"] for event in events if "invitation-requested" in event["type"]]
    assert {one["method"] for one in data} <= {"CANCEL"}
    return data


async def started(ground: Ground) -> None:
    """Start a process, and let it do what there is to do."""
    await prepare(ground.database, datetime.now(UTC))
    async with at_work(ground, going_on().run):
        await nothing_left(ground)


async def everybody_is_withdrawn_once(ground: Ground) -> None:
    """Check that those who gave up a seat are told of, and nobody else."""
    told = Counter(one["enrolmentId"] for one in await withdrawn(ground))
    assert told == Counter(of(f"weg-{number}") for number in range(GONE))
    assert not await ground.database["enrolments"].count_documents({HELD_IN: UNTOLD})


async def test_every_seat_given_up_is_told_once_and_no_turn(old: Ground) -> None:
    """Who waited was never invited, and who stays is."""
    await started(old)
    await everybody_is_withdrawn_once(old)


async def test_it_is_asked_for_as_of_now(old: Ground) -> None:
    """When they left is not known any more; what is over by now is nothing to mail about."""
    before = datetime.now(UTC)
    await started(old)
    assert all(datetime.fromisoformat(one["askedAt"]) >= before for one in await withdrawn(old))


async def test_the_next_start_tells_nothing_again(old: Ground) -> None:
    """Every start looks, in every replica."""
    await started(old)
    await prepare(old.database, datetime.now(UTC))
    assert not await old.all(DUE)
    await everybody_is_withdrawn_once(old)


async def test_a_start_that_broke_off_is_taken_up(old: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be killed when what there is to tell is marked, and nothing was left to portions yet."""

    async def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(unsettled, "leave_undone", killed)
        with pytest.raises(KeyboardInterrupt):
            await prepare(old.database, datetime.now(UTC))
    await started(old)
    await everybody_is_withdrawn_once(old)


async def test_who_goes_on_after_a_kill_tells_the_rest(old: Ground) -> None:
    """A portion marks what it told in the commit that tells it."""
    await prepare(old.database, datetime.now(UTC))

    async def some_are_told() -> bool:
        return bool(await withdrawn(old))

    async with at_work(old, going_on().run):
        await eventually(some_are_told, within=20, every=0.005)
    assert len(await withdrawn(old)) < GONE, "ended in the middle"
    await started(old)
    await everybody_is_withdrawn_once(old)
