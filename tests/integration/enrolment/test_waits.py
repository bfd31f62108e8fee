"""Requests whose wait is over, on a real database and the real schedule; some of them cannot be decided."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chassis import schedule
from chassis.due import DUE
from chassis.resting import Resting
from chassis.schedule import Schedule
from services.enrolment.app import PORTIONS, WAITS
from services.enrolment.domain import decision
from services.enrolment.handlers import decide_request
from services.enrolment.handlers import parked as those_parked
from services.enrolment.migrations import unsettled
from services.enrolment.storage.kinds import PARKED
from tests.integration.enrolment.ground import SOURCE, Ground, at_work, received
from tests.support.eventually import eventually
from tests.unit.enrolment.examples import request

REFUSED = "nl.enrolments.enrolment-rejected.v1"


def scheduled() -> Schedule:
    """Build the schedule as the service does, with short rests."""
    return Schedule(PORTIONS, WAITS, SOURCE, Resting(0.05))


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Have a defect show with everybody whose name is Kim, and count how often each request is tried."""
    tries: Counter[str] = Counter()
    answer = decide_request.rejection

    def rejection(asked: Any, *others: Any) -> Any:
        tries[asked.id] += 1
        if asked.data.participant.name == "Kim":
            raise ZeroDivisionError
        return answer(asked, *others)

    monkeypatch.setattr(those_parked, "rejection", rejection)
    monkeypatch.setattr(schedule, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(decision, "PORTION", 2)
    return tries


async def parked(ground: Ground) -> list[str]:
    """Let as many as are looked at together wait in vain, and behind them one who can be answered; return their ids."""
    asked = [request(name=name) for name in ("kim", "kim", "robin")]
    await ground.committer().commit(received(asked))
    for collection, field in (("parked", "until"), ("due", "at")):
        past = [{"$set": {field: {"$subtract": [f"${field}", 60_000]}}}]
        await ground.database[collection].update_many({}, past)
    return [one.id for one in asked]


async def answered(ground: Ground) -> None:
    """Check that somebody was answered."""
    assert REFUSED in await ground.told()


async def test_requests_that_always_fail_hold_up_nobody_and_rest_longer_each_time(
    ground: Ground, tried: Counter[str]
) -> None:
    """They wait for a person to mend a defect; each stands in quarantine once, under what it is about."""
    first, second, last = await parked(ground)
    async with at_work(ground, scheduled().run):
        await eventually(lambda: answered(ground))
        await eventually(lambda: tried[first] > 3 and tried[second] > 3)
    assert tried[last] == 1
    held = await ground.rows("quarantine")
    assert sorted(row["body"].count(id.encode()) for row in held for id in (first, second)) == [0, 0, 1, 1]
    assert len(await ground.all(PARKED)) == 2, "nothing was decided about them"


async def test_without_a_rest_they_are_tried_without_end_and_what_is_behind_them_never(
    ground: Ground, tried: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twin of the test above."""
    monkeypatch.setattr(Resting, "keys", lambda _: [])
    monkeypatch.setattr(schedule, "AT_ONCE", 1)
    first, second, _ = await parked(ground)
    async with at_work(ground, scheduled().run):
        await eventually(lambda: max(tried[first], tried[second]) > 20)
    assert min(tried[first], tried[second]) < 5


async def test_one_that_failed_is_answered_once_its_defect_is_mended(
    ground: Ground, tried: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has to send anything again."""
    first, *_ = await parked(ground)
    async with at_work(ground, scheduled().run):
        await eventually(lambda: tried[first] > 1)
        monkeypatch.undo()
        await eventually(lambda: _nobody_waits(ground))
    assert Counter(await ground.told())[REFUSED] == 3
    assert not await ground.all(DUE)


async def test_what_was_due_while_nothing_ran_happens_once_and_leaves_no_record(ground: Ground) -> None:
    """However many processes come up then; what they tell themselves would stay in the inbox for ever."""
    asked = await parked(ground)
    async with at_work(ground, scheduled().run), at_work(ground, scheduled().run):
        await eventually(lambda: _nobody_waits(ground))
    assert Counter(await ground.told())[REFUSED] == len(asked)
    kept = {row["_id"].split()[-1] for row in await ground.rows("inbox")}
    assert kept == set(asked)


@pytest.mark.parametrize("spoilt", [{"data": {"editionId": 7}}, {"data": None}, {"moment": "soon"}, {"cause": "?"}])
async def test_what_cannot_be_read_holds_up_nothing_else(
    ground: Ground, tried: Counter[str], spoilt: dict[str, Any]
) -> None:
    """A service that ended on it would end on it again at every start."""
    assert not tried
    await parked(ground)
    await ground.database["due"].insert_one(
        {
            **(await ground.rows("due"))[0],
            "_id": "spoilt",
            "event": "another",
            "at": datetime(2020, 1, 1, tzinfo=UTC),
            **spoilt,
        }
    )
    async with at_work(ground, scheduled().run):
        await eventually(lambda: answered(ground))
    assert [row["_id"] for row in await ground.rows("due") if row["_id"] == "spoilt"]


async def test_very_many_waits_that_end_at_once_are_answered_in_few_commits(ground: Ground) -> None:
    """Each edition that nobody knows has one of its own, and all of them are promised an answer within 30 s."""
    asked = [request(name=f"deelnemer-{n}", edition_id=f"onbekend-{n}") for n in range(120)]
    await ground.committer().commit(received(asked))
    for collection, field in (("parked", "until"), ("due", "at")):
        await ground.database[collection].update_many({}, [{"$set": {field: "$$NOW"}}])
    async with at_work(ground, scheduled().run):
        await eventually(lambda: _nobody_waits(ground))
    assert Counter(await ground.told())[REFUSED] == len(asked)
    assert len(await ground.rows("outbox")) < len(asked) / 5


async def test_who_waits_is_not_answered_before_the_time(ground: Ground) -> None:
    """The edition may come yet: what is looked after too early is planned anew."""
    await ground.committer().commit(received([request()]))
    ahead = datetime.now(UTC) - timedelta(minutes=1)
    await ground.database["due"].update_many({}, {"$set": {"at": ahead}})
    async with at_work(ground, scheduled().run):
        await eventually(lambda: _is_planned_anew(ground))
    assert REFUSED not in await ground.told()
    (waiting,) = (await ground.all(PARKED)).values()
    (due,) = (await ground.all(DUE)).values()
    assert due.at == waiting.until


@pytest.mark.parametrize("is_aside", [False, True])
async def test_who_waited_under_an_earlier_release_is_answered(ground: Ground, *, is_aside: bool) -> None:
    """That had no schedule: a timer of its own looked for them."""
    await parked(ground)
    await ground.database["due"].delete_many({})
    if is_aside:
        await ground.database["parked"].update_many({}, {"$set": {"editionId": "(set aside)"}})
    for _ in range(2):
        await unsettled.take_over(ground.database, datetime.now(UTC))
    async with at_work(ground, scheduled().run):
        await eventually(lambda: _nobody_waits(ground))
    assert Counter(await ground.told())[REFUSED] == 3


async def _is_planned_anew(ground: Ground) -> None:
    (due,) = (await ground.all(DUE)).values()
    assert due.at > datetime.now(UTC)


async def _nobody_waits(ground: Ground) -> None:
    assert not await ground.all(PARKED)
