"""A clock that is minutes off, beside a real database's."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY

from chassis.clock import COLLECTION, ID, Clock, SettableClock
from chassis.committer import Committer
from chassis.mongo import Database, Mongo
from chassis.outbox import Teller
from instroom_contracts.cloudevent import CloudEvent, InvalidEvent, decode, encode, new_event
from tests.integration.chassis.conftest import told
from tests.support.eventually import eventually
from tests.unit.chassis.toy import SOURCE, TELLS, ThingCounted, received

MINUTES = timedelta(minutes=10)
NEARLY = timedelta(seconds=2)


def clock(database: Database, off: timedelta) -> Clock:
    """Provide a clock that is off by so much."""
    return Clock(database, own=lambda: datetime.now(UTC) + off)


def read(now: datetime) -> CloudEvent[ThingCounted]:
    """Read a request that was made this moment, as the consumer does."""
    wire = encode(new_event(ThingCounted(jar="a"), source=SOURCE, id="1"))
    return decode(wire.body, model=ThingCounted, content_type=wire.content_type, now=now)


@pytest.mark.parametrize("off", [-MINUTES, MINUTES])
async def test_a_clock_that_is_minutes_off_goes_by_the_database(database: Database, off: timedelta) -> None:
    """Times in facts are read by others."""
    of_ours = clock(database, off)
    await of_ours.compare()
    assert abs(of_ours.now() - datetime.now(UTC)) < NEARLY


async def test_a_request_is_no_message_from_the_future_because_our_clock_is_slow(database: Database) -> None:
    """Its sender did nothing wrong: it must be decided, and its id must not be spent."""
    slow = clock(database, -MINUTES)
    with pytest.raises(InvalidEvent):
        read(slow.latest())  # as it would be without the comparison
    await slow.compare()
    assert read(slow.latest()).id == "1"


async def test_a_request_is_none_either_because_the_database_is_slow(database: Database) -> None:
    """Where two clocks disagree, one of them is wrong, and nobody is refused for it."""
    fast = clock(database, MINUTES)
    await fast.compare()
    assert fast.latest() - datetime.now(UTC) > MINUTES - NEARLY


async def test_a_clock_that_is_right_is_left_alone(database: Database) -> None:
    """What the network takes is not to be seen in times."""
    right = clock(database, timedelta())
    await right.compare()
    before = datetime.now(UTC)
    assert before <= right.now() <= datetime.now(UTC)


async def test_that_the_clock_is_off_is_said(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    """Once in the log, and to Prometheus for as long as it is."""
    slow = clock(database, -MINUTES)
    for _ in range(3):
        await slow.compare()
    assert capsys.readouterr().out.count("clock_differs") == 1
    behind = REGISTRY.get_sample_value("instroom_clock_behind_seconds")
    assert behind == pytest.approx(MINUTES.total_seconds(), abs=2)


async def test_facts_tell_the_databases_time_where_ours_is_off(mongo: Mongo, database: Database) -> None:
    """A fact ten minutes old at its birth confuses whoever replays by time."""
    slow = clock(database, -MINUTES)
    await slow.compare()
    committer = Committer(mongo, database, Teller.of(SOURCE, TELLS), after_commit=lambda: None, clock=slow)
    await committer.commit([received("a", id="1")])
    (fact,) = await told(database)
    time = datetime.fromisoformat(json.loads(fact["body"])["time"])
    assert abs(time - datetime.now(UTC)) < NEARLY


async def set_ahead(database: Database, by: timedelta) -> None:
    """Do as `instroom clock` does."""
    found = await database[COLLECTION].update_one({"_id": ID}, {"$set": {"aheadMs": by / timedelta(milliseconds=1)}})
    assert found.matched_count == 1


async def test_a_clock_that_can_be_set_goes_on_from_there(database: Database) -> None:
    """Every process of the service, also one that starts later."""
    running = SettableClock(database)
    await running.prepare()
    assert abs(running.now() - datetime.now(UTC)) < NEARLY
    await set_ahead(database, timedelta(days=400))
    await running.look()
    later = SettableClock(database)
    await later.prepare()
    for clock in (running, later):
        for time in (clock.now(), clock.latest()):
            assert abs(time - datetime.now(UTC) - timedelta(days=400)) < NEARLY


async def test_it_looks_by_itself(database: Database) -> None:
    """Nobody restarts anything for it."""
    set_later = SettableClock(database)
    await set_later.prepare()
    running = asyncio.create_task(set_later.run())
    try:
        await set_ahead(database, timedelta(days=1))
        await eventually(lambda: set_later.now() - datetime.now(UTC) > timedelta(hours=23))
    finally:
        running.cancel()


async def test_any_other_clock_looks_at_nothing_and_leaves_nothing_to_be_set(database: Database) -> None:
    """A database that was a sandbox's must not have its services act in another year."""
    await SettableClock(database).prepare()
    await set_ahead(database, timedelta(days=400))
    real = Clock(database)
    await real.prepare()
    await real.compare()
    assert abs(real.now() - datetime.now(UTC)) < NEARLY
    assert not await database[COLLECTION].count_documents({})
