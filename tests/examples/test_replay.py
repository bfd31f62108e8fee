"""The example that reads the stream: what was told since a date, each fact once, in the order of its session."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from instroom_contracts.enrolment import SessionFull
from tests.e2e.world import World
from tests.examples.programs import Language, Program
from tests.examples.telling import confirmed, tell
from tests.support.eventually import eventually
from tests.unit.enrolment.examples import cancellation, edition, request, session

FILTER = {"python": (" and fact.time >= moment", ""), "node": ("if (new Date(fact.time) < moment) return;", "")}
MEMORY = {"python": ("(fact.source, fact.id) not in seen", "True"), "node": ("if (seen.has(key)) return;", "")}
DAY = timedelta(days=1)


async def replayed(program: Program, world: World, since: datetime, folder: Path) -> list[list[str]]:
    """Run the example; return its lines as words."""
    url = world.place.rabbitmq_url_of("integrator")
    printed = await asyncio.to_thread(program.run, url, since.isoformat(), folder=folder)
    return [line.split() for line in printed.splitlines()]


async def told_since_yesterday(program: Program, world: World, folder: Path) -> list[str]:
    """Tell a fact late, one twice, and one once; replay from yesterday on; return which of them are heard of."""
    now, ours = datetime.now(UTC), str(uuid4())
    late, twice, once = (
        confirmed(f"{ours}-{name}", time) for name, time in [("late", now - 3 * DAY), ("twice", now), ("once", now)]
    )
    await tell(world, late, twice, twice, once)
    lines = await replayed(program, world, now - DAY, folder)
    heard = [edition for words in lines for edition in words[2:3] if edition.startswith(ours)]
    return [edition.rpartition("-")[2] for edition in heard]


@pytest.fixture
def replay(language: Language) -> Program:
    """Provide the example."""
    return language.program("replay")


async def test_only_later_facts_are_told_each_once(replay: Program, world: World, folder: Path) -> None:
    """Chunks of a stream begin earlier than the moment asked for, and a fact may stand in it twice."""
    assert await told_since_yesterday(replay, world, folder) == ["twice", "once"]


@pytest.mark.parametrize(
    ("guard", "too_much"),
    [(FILTER, ["late", "twice", "once"]), (MEMORY, ["twice", "twice", "once"])],
    ids=["filter", "memory"],
)
async def test_without_a_guard_too_much_is_told(
    guard: dict[str, tuple[str, str]], too_much: list[str], language: Language, world: World, folder: Path
) -> None:
    """Switched off, the guards of the test above are missed."""
    unguarded = language.program("replay").without(*guard[language.name])
    assert await told_since_yesterday(unguarded, world, folder) == too_much


async def test_versions_of_a_session_rise(replay: Program, language: Language, world: World, folder: Path) -> None:
    """Who builds a picture of a session from its facts ends with the newest."""
    name = f"rising-{language.name}"
    begun = datetime.now(UTC)
    await world.publish_edition(edition(session(capacity=1), edition_id=name))
    for number, person in enumerate(("anna", "bram", "carla"), start=1):
        asked = request(name=person, edition_id=name)
        await world.systems.send(asked)
        (answer,) = await world.answered([asked.id])
        await world.systems.send(cancellation(answer["data"]["enrolmentId"], at=begun))
        await eventually(lambda number=number: world.systems.counts["place-released"] == number)  # type: ignore[misc]

    versions: dict[str, list[int]] = defaultdict(list)
    for _, kind, *named in await replayed(replay, world, begun, folder):
        if named[:1] == [name] and len(named) == 3:
            versions[kind].append(int(named[2]))
    told = versions[SessionFull.__name__] or versions["nl.enrolments.session-full.v1"]
    assert len(told) == 3
    assert all(numbers == sorted(set(numbers)) for numbers in versions.values())
