"""How full the sessions are, as a scrape shows it, on both drivers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from instroom_contracts.cloudevent import new_event
from services.enrolment import gauges
from tests.integration.enrolment.ground import Ground, received
from tests.unit.enrolment.examples import CATALOG, EDITION, edition, request, session

Seats = dict[tuple[str, ...], float]


async def seats(ground: Ground) -> Seats:
    """Return every figure by its name, edition and session."""
    samples = [sample for family in await gauges.seats(ground.database, datetime.now(UTC)) for sample in family.samples]
    return {
        (sample.name.removeprefix("instroom_session_"), *sample.labels.values()): sample.value for sample in samples
    }


async def test_seats_that_are_there_are_taken_and_are_waited_for(ground: Ground) -> None:
    """The figures of `instroom status`, without asking."""
    published = new_event(edition(session("zaal", capacity=2), session("open")), source=CATALOG)
    requests = [request(name=name) for name in ("robin", "sascha", "kim")]
    await ground.committer().commit(received([published, *requests]))
    assert await seats(ground) == {
        ("capacity", EDITION, "zaal"): 2,
        ("confirmed", EDITION, "zaal"): 2,
        ("queued", EDITION, "zaal"): 1,
        ("confirmed", EDITION, "open"): 3,
        ("queued", EDITION, "open"): 0,
    }


@pytest.mark.parametrize(("state", "shown"), [("tentative", True), ("closed", False), ("concept", False)])
async def test_only_editions_that_take_people_are_shown(ground: Ground, state: str, shown: bool) -> None:
    """Those of earlier years would be series for ever."""
    published = new_event(edition(session("zaal"), state=state), source=CATALOG)
    await ground.committer().commit(received([published]))
    assert bool(await seats(ground)) == shown


async def test_there_are_never_more_series_than_so_many(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prometheus keeps each for a month: those that begin last come first."""
    first, last = (datetime(2021, 6, day, 9, tzinfo=UTC) for day in (1, 2))
    sessions = session("early", starts_at=first, ends_at=last), session("late", starts_at=last, ends_at=last)
    await ground.committer().commit(received([new_event(edition(*sessions), source=CATALOG)]))
    monkeypatch.setitem(next(step for step in gauges._SEATS if "$limit" in step), "$limit", 1)
    assert {session for *_, session in await seats(ground)} == {"late"}
