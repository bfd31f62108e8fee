"""The examples that listen: they hear what was told while they were away or cut off, and do their work once."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from yarl import URL

from tests.e2e.world import World
from tests.examples.programs import Language, Program, Running
from tests.examples.telling import confirmed, readers, tell, waiting
from tests.support.eventually import eventually
from tests.support.gate import open_gate

QUEUES = {
    ("python", "subscribe"): "int.website.facts",
    ("python", "inbox"): "int.website.enrolments",
    ("node", "subscribe"): "int.formulier.facts",
    ("node", "inbox"): "int.formulier.enrolments",
}
WITHIN = 120


def an_edition() -> str:
    """Return the name of an edition that no other test knows."""
    return f"edition-{uuid4()}"


def counted(folder: Path, edition: str) -> int:
    """Read how many enrolments the inbox example has counted."""
    with sqlite3.connect(folder / "inbox.sqlite") as store:
        rows = store.execute("select number from enrolments where edition = ?", (edition,)).fetchall()
    store.close()
    return rows[0][0] if rows else 0


@asynccontextmanager
async def listening(program: Program, world: World, folder: Path, url: str) -> AsyncIterator[Running]:
    """Run an example that listens, once nobody else reads its queue, and wait until it does."""
    queue = QUEUES[program.language.name, program.file.stem.removesuffix("-weakened")]
    await eventually(lambda: _has_readers(world, queue, 0), within=WITHIN)
    with program.running(url, folder) as running:
        await eventually(lambda: _has_readers(world, queue, 1), within=WITHIN)
        yield running


async def _has_readers(world: World, queue: str, number: int) -> bool:
    return await readers(world, queue) == number


async def test_what_was_told_while_it_was_away_is_heard(language: Language, world: World, folder: Path) -> None:
    """A durable queue collects; nothing is missed over a night."""
    url, edition = world.place.rabbitmq_url_of("integrator"), an_edition()
    async with listening(language.program("subscribe"), world, folder, url):
        pass
    await tell(world, confirmed(edition))
    async with listening(language.program("subscribe"), world, folder, url) as again:
        await eventually(lambda: edition in again.printed(), within=WITHIN)


@pytest.mark.parametrize("example", ["subscribe", "inbox"])
async def test_it_connects_again_after_a_cut(language: Language, example: str, world: World, folder: Path) -> None:
    """Connections break; nobody wants to start a subscriber by hand at night."""
    url, before, after = URL(world.place.rabbitmq_url_of("integrator")), an_edition(), an_edition()
    async with (
        open_gate(str(url.host), int(url.port or 5672)) as (gate, port),
        listening(language.program(example), world, folder, str(url.with_port(port))) as running,
    ):
        await tell(world, confirmed(before))
        await eventually(lambda: before in running.printed(), within=WITHIN)
        gate.cut()
        await tell(world, confirmed(after))
        await eventually(lambda: after in running.printed(), within=WITHIN)


async def test_a_fact_that_comes_twice_counts_once(language: Language, world: World, folder: Path) -> None:
    """After a crash of ours a fact is told again, under the same id."""
    twice, last = confirmed(an_edition()), confirmed(an_edition())
    async with listening(language.program("inbox"), world, folder, world.place.rabbitmq_url_of("integrator")):
        await tell(world, twice, twice, last)
        await eventually(lambda: counted(folder, last.data.edition_id) == 1, within=WITHIN)
    assert counted(folder, twice.data.edition_id) == 1


async def killed_before_the_ack(language: Language, program: Program, world: World, folder: Path) -> int:
    """Kill the inbox when it has done its work and its acknowledgement is not heard; return how often it counts."""
    url, edition, last = URL(world.place.rabbitmq_url_of("integrator")), an_edition(), an_edition()
    async with (
        open_gate(str(url.host), int(url.port or 5672)) as (gate, port),
        listening(program, world, folder, str(url.with_port(port))) as running,
    ):
        gate.mute()
        await tell(world, confirmed(edition))
        await eventually(lambda: counted(folder, edition) == 1, within=WITHIN)
        running.kill()
    await eventually(lambda: _is_back(world, QUEUES[language.name, "inbox"]), within=WITHIN)
    await tell(world, confirmed(last))
    async with listening(program, world, folder, str(url)):
        await eventually(lambda: counted(folder, last) == 1, within=WITHIN)
    return counted(folder, edition)


async def _is_back(world: World, queue: str) -> bool:
    return await waiting(world, queue) >= 1  # one that a test before did not get to acknowledge may be there too


async def test_work_is_done_once_although_it_was_killed(language: Language, world: World, folder: Path) -> None:
    """Between the commit and the acknowledgement the broker does not know that the work is done."""
    assert await killed_before_the_ack(language, language.program("inbox"), world, folder) == 1


async def test_without_an_inbox_it_is_done_twice(language: Language, world: World, folder: Path) -> None:
    """Switched off, the guard of the test above is missed: the broker does deliver the message again."""
    unguarded = language.program("inbox").without("insert or ignore into inbox", "insert or replace into inbox")
    assert await killed_before_the_ack(language, unguarded, world, folder) == 2
