"""The example that shows live seats: what the newest fact of each session says, whatever is told again."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from tests.e2e.world import World
from tests.examples.programs import Language, Program
from tests.support.eventually import eventually
from tests.unit.enrolment.examples import answer_asked, companion, edition, request, session

NEWEST = ("counted.session_version > before.session_version", "True")


async def shown(program: Program, world: World, name: str, folder: Path) -> list[str]:
    """Let two parties enrol, have the first answer told again, and return what the example prints of the session."""
    begun = datetime.now(UTC)
    await world.publish_edition(edition(session(capacity=3, companion="optional"), edition_id=name))
    first = request(name="anna", edition_id=name, companions=(companion("bram", "werksessie"),))
    for asked in (first, request(name="carla", edition_id=name), request(name="dirk", edition_id=name)):
        await world.systems.send(asked)
        await world.answered([asked.id])
    again = answer_asked(first.id)
    await world.systems.send(again)
    accepted = ("request-accepted", again.id)
    await eventually(lambda: accepted in {(fact["kind"], fact.get("correlationid")) for fact in world.systems.facts})
    url = world.place.rabbitmq_url_of("integrator")
    printed = await asyncio.to_thread(program.run, url, begun.isoformat(), folder=folder)
    return [line for line in printed.splitlines() if line.startswith(f"{name}/")]


async def test_the_newest_fact_of_a_session_says_its_places(python: Language, world: World, folder: Path) -> None:
    """Companions count, and whoever waits."""
    program = python.program("seats")
    assert await shown(program, world, "live-seats", folder) == ["live-seats/werksessie: 3 confirmed, 1 queued"]


async def test_without_a_look_at_versions_what_is_told_again_is_believed(
    python: Language, world: World, folder: Path
) -> None:
    """Switched off, the guard of the test above is missed."""
    program = python.program("seats").without(*NEWEST)
    assert await shown(program, world, "stale-seats", folder) == ["stale-seats/werksessie: 2 confirmed, 0 queued"]
