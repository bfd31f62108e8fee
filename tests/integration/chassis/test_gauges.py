"""What every service shows of its database, on both drivers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY, generate_latest
from prometheus_client.core import GaugeMetricFamily
from pymongo.errors import ConnectionFailure

from chassis import gauges, quarantine
from chassis.clock import Clock
from chassis.committer import Committer
from chassis.gauges import Gauges
from chassis.mongo import Database
from instroom_contracts.topology import EVENTS, PRIVATE
from tests.integration.chassis.conftest import rows
from tests.support.eventually import eventually
from tests.unit.chassis.toy import invalid, received

Figures = dict[tuple[str, ...], float]


@pytest.fixture
async def shown(database: Database) -> Gauges:
    """Provide the gauges of a prepared service."""
    await quarantine.prepare(database)
    return Gauges(database, (), Clock(database).now)


async def figures(shown: Gauges) -> Figures:
    """Look, and return what a scrape would show."""
    await shown.look()
    return values(shown.collect())


def values(families: Iterable[GaugeMetricFamily]) -> Figures:
    """Return every value by the gauge's name and the values of its labels."""
    samples = [sample for family in families for sample in family.samples]
    return {(sample.name, *sample.labels.values()): sample.value for sample in samples}


async def test_an_idle_service_shows_nothing_that_waits(shown: Gauges) -> None:
    """An alarm on a system at rest would soon be ignored."""
    lags: Figures = {("instroom_outbox_lag_seconds", exchange): 0.0 for exchange in (EVENTS, PRIVATE)}
    assert await figures(shown) == {("instroom_database_answers",): 1, **lags}


async def test_the_outbox_lags_by_the_age_of_its_oldest_event(
    committer: Committer, database: Database, shown: Gauges
) -> None:
    """Also where no process relays at all, and whichever process is asked."""
    await committer.commit([received("a", id="1")])
    await committer.commit([received("a", id="2")])
    an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
    first, _ = await rows(database, "outbox")
    await database["outbox"].update_one({"_id": first["_id"]}, {"$set": {"events.0.at": an_hour_ago}})
    seen = await figures(shown)
    assert seen["instroom_outbox_lag_seconds", EVENTS] == pytest.approx(3600, abs=30)
    assert seen["instroom_outbox_lag_seconds", PRIVATE] == 0


async def test_held_messages_are_counted_until_somebody_dealt_with_them(
    committer: Committer, database: Database, shown: Gauges
) -> None:
    """A counter says how many came; an operator wants to know how many are left."""
    await committer.commit([invalid(id="1"), received("cursed", id="2"), received("cursed", id="3", note="x")])
    held = ("instroom_quarantine_held",)
    shown_now = {key: count for key, count in (await figures(shown)).items() if key[:1] == held}
    assert shown_now == {(*held, "invalid-event"): 1, (*held, "failed"): 2}
    await database["quarantine"].update_many({"reason": "failed"}, {"$set": {"state": "dropped"}})
    assert (*held, "failed") not in await figures(shown)


async def test_an_index_alone_answers_how_many_are_held(committer: Committer, database: Database) -> None:
    """The quarantine keeps whole messages, also those that were dealt with years ago."""
    await quarantine.prepare(database)
    await committer.commit([invalid(id="1")])
    seen: list[dict[str, Any]] = []

    async def explain(of: Database, collection: str, pipeline: list[Any], *, most: int) -> Sequence[Any]:
        asked = {"aggregate": collection, "pipeline": pipeline, "cursor": {}}
        seen.append(await of.command({"explain": asked, "verbosity": "executionStats"}))
        return []

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gauges, "aggregated", explain)
        await gauges.quarantined(database, datetime.now(UTC))
    assert "totalDocsExamined': 0" in str(seen[0])


async def test_a_database_that_is_away_is_shown_as_such_and_nothing_else(database: Database) -> None:
    """Figures of an hour ago look as good as those of now."""

    async def away(_: Database, __: datetime) -> list[GaugeMetricFamily]:
        raise ConnectionFailure("away")

    shown = Gauges(database, (), Clock(database).now)
    await shown.look()
    shown._looks = (away,)
    assert await figures(shown) == {("instroom_database_answers",): 0}


async def test_a_scrape_shows_them_while_the_service_runs_and_not_after(shown: Gauges) -> None:
    """Two services in one process, as in tests, would show each other's figures."""
    running = asyncio.create_task(shown.run())
    await eventually(lambda: b"instroom_database_answers 1.0" in generate_latest(REGISTRY))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert b"instroom_database_answers" not in generate_latest(REGISTRY)
