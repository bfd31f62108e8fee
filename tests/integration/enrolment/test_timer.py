"""The timer on a real database: requests whose wait is over, some of which cannot be decided."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from chassis.resting import Resting
from services.enrolment import answering, timer, waited
from services.enrolment.app import PARKING_EXPIRED
from services.enrolment.storage import PARKED
from services.enrolment.timer import Timer
from tests.integration.enrolment.ground import SOURCE, Ground, at_work, received
from tests.support.eventually import eventually
from tests.unit.enrolment.examples import request

REFUSED = "nl.enrolments.enrolment-rejected.v1"


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Have a defect show with everybody whose name is Kim, and count how often each request is tried."""
    tries: Counter[str] = Counter()
    answer = answering.rejection

    def rejection(asked: Any, *others: Any) -> Any:
        tries[asked.id] += 1
        if asked.data.participant.name == "Kim":
            raise ZeroDivisionError
        return answer(asked, *others)

    monkeypatch.setattr(waited, "rejection", rejection)
    monkeypatch.setattr(timer, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(timer, "MOST_AT_ONCE", 2)
    return tries


async def parked(ground: Ground) -> list[str]:
    """Let as many as are looked at together wait in vain, and behind them one who can be answered; return their ids."""
    asked = [request(name=name) for name in ("kim", "kim", "robin")]
    await ground.committer().commit(received(asked))
    past = [{"$set": {"until": {"$subtract": ["$until", 60_000]}}}]
    await ground.database["parked"].update_many({}, past)
    return [one.id for one in asked]


async def answered(ground: Ground) -> None:
    """Check that somebody was answered."""
    assert REFUSED in await ground.told()


async def test_requests_that_always_fail_hold_up_nobody_and_rest_longer_each_time(
    ground: Ground, tried: Counter[str]
) -> None:
    """They wait for a person to mend a defect; each stands in quarantine once, under what it is about."""
    first, second, last = await parked(ground)
    async with at_work(ground, Timer(PARKING_EXPIRED, SOURCE, Resting(0.05)).run):
        await eventually(lambda: answered(ground))
        await eventually(lambda: tried[first] > 3 and tried[second] > 3)
    assert tried[last] == 1
    held = await ground.rows("quarantine")
    assert sorted(row["body"].count(id.encode()) for row in held for id in (first, second)) == [0, 0, 1, 1]
    assert len(await ground.all(PARKED)) == 2, "nothing was decided about them"


async def test_without_a_rest_they_are_tried_without_end_and_who_is_behind_them_never(
    ground: Ground, tried: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twin of the test above."""
    monkeypatch.setattr(Resting, "keys", lambda _: [])
    first, _, last = await parked(ground)
    async with at_work(ground, Timer(PARKING_EXPIRED, SOURCE, Resting(0.05)).run):
        await eventually(lambda: tried[first] > 20)
    assert not tried[last]


async def test_one_that_failed_is_answered_once_its_defect_is_mended(
    ground: Ground, tried: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has to send anything again."""
    first, *_ = await parked(ground)
    async with at_work(ground, Timer(PARKING_EXPIRED, SOURCE, Resting(0.05)).run):
        await eventually(lambda: tried[first] > 1)
        monkeypatch.undo()
        await eventually(lambda: _nobody_waits(ground))


async def _nobody_waits(ground: Ground) -> None:
    assert not await ground.all(PARKED)
