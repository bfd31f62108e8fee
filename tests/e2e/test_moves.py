"""Sessions move from pool to pool, and are cancelled and reinstated, while two processes seat and unseat people."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest

from instroom_contracts import catalog
from instroom_contracts.cloudevent import CloudEvent, new_event
from instroom_contracts.topology import EVENTS
from tests.e2e.onlooker import Books, Catalogue
from tests.e2e.world import World, open_world
from tests.support.eventually import eventually
from tests.support.place import Place
from tests.support.running import running
from tests.unit.enrolment.examples import CATALOG, cancellation, choice, companion, edition, request

SESSIONS = {"noord": ("een", "twee", "drie"), "zuid": ("vier", "vijf"), "elders": ("zes",)}
ROOMS = (None, "zaal", "foyer")
PROVIDER = {"noord": "aanbieder", "zuid": "aanbieder", "elders": "buren"}
CHANGES = 30
"""How often each of the editions is published again."""
ASKERS = 30
BETWEEN = 5
"""So many answers come between one change and the next, at least."""
CHANGES_BACK = 0.25
STAYS_OFF = 0.3
WITHIN_S = 30
SMALL_BATCHES = {"BATCH_SIZE": "10"}


@dataclass
class Provider:
    """Who publishes an edition again and again, with its sessions in other rooms."""

    world: World
    catalogue: Catalogue
    edition_id: str
    random: Random
    version: int = 0
    room: dict[str, str | None] = field(default_factory=dict)
    seats: dict[str, int] = field(default_factory=dict)
    off: set[str] = field(default_factory=set)

    async def publish(self, *, wait: bool = True) -> None:
        """Publish the edition as it is now; wait until it is kept."""
        self.version += 1
        published = edition(
            *map(self._session, SESSIONS[self.edition_id]),
            edition_id=self.edition_id,
            provider=PROVIDER[self.edition_id],
            version=self.version,
        )
        self.catalogue.says(published)
        event = new_event(published, source=CATALOG, id=f"{self.edition_id}-{self.version}")
        await self.world.publish(event, EVENTS)
        if wait:
            await eventually(self._is_kept, within=WITHIN_S, every=0.005)
            self.catalogue.is_kept(self.edition_id, self.version)

    def _session(self, id: str) -> catalog.Session:
        room = self.room.get(id)
        seats = self.seats.get(room or id, 10)
        state = "cancelled" if id in self.off else "planned"
        return choice(id, capacity=seats, pool=room, state=state, companion="optional")

    async def _is_kept(self) -> bool:
        editions = self.world.databases["enrolment"]["editions"]
        return bool(await editions.count_documents({"_id": self.edition_id, "version": self.version}))

    async def change(self) -> None:
        """Move a session, offer more or fewer seats, cancel or reinstate; sometimes only to change back at once."""
        before = dict(self.room), dict(self.seats), set(self.off)
        self.off = {id for id in self.off if self.random.random() < STAYS_OFF}
        for _ in range(self.random.choice((1, 1, 2))):
            self._vary(self.random.choice(SESSIONS[self.edition_id]))
        there_and_back = self.random.random() < CHANGES_BACK
        await self.publish(wait=not there_and_back)
        if there_and_back:
            self.room, self.seats, self.off = before
            await self.publish()

    def _vary(self, id: str) -> None:
        match self.random.choices(("room", "seats", "off"), (5, 3, 1))[0]:
            case "room":
                self.room[id] = self.random.choice(ROOMS)
            case "seats":
                self.seats[self.room.get(id) or id] = self.random.randint(2, 20)
            case "off":
                self.off.add(id)


@dataclass
class Crowd:
    """People who ask for places and give them up again."""

    world: World
    random: Random
    asked: list[str] = field(default_factory=list)
    particular: set[str] = field(default_factory=set)
    cancelled: list[str] = field(default_factory=list)
    stopped: bool = False

    async def come(self, number: int) -> None:
        """Ask for a place, wait for the answer, perhaps have somebody's cancelled, and so on."""
        mine: list[str] = []
        while not self.stopped:
            mine += await self._ask(f"deelnemer-{number}-{len(self.asked)}")
            self.random.shuffle(mine)
            while mine and self.random.random() < 0.45:
                await self._cancel(mine.pop())

    async def _ask(self, name: str) -> list[str]:
        edition_id = self.random.choices(tuple(SESSIONS), (5, 4, 1))[0]
        wanted = SESSIONS[edition_id]
        chosen = self.random.sample(wanted, self.random.randint(1, min(2, len(wanted))))
        beside = [companion(f"{name}-{n}", *chosen) for n in range(self.random.choice((0, 0, 0, 1, 2)))]
        together = self.random.random() < 0.2
        asked = request(*chosen, name=name, edition_id=edition_id, companions=tuple(beside), all_or_nothing=together)
        self.asked.append(asked.id)
        self.particular |= {asked.id} if together else set()
        answer = await self._answered(asked)
        if answer["kind"] == "enrolment-rejected":
            return []
        return [one["enrolmentId"] for one in (answer["data"], *answer["data"].get("companions", ()))]

    async def _cancel(self, enrolment_id: str) -> None:
        asked = cancellation(enrolment_id)
        self.cancelled.append(asked.id)
        await self.world.systems.send(asked)
        await eventually(lambda: asked.id in self.world.systems.effects, within=WITHIN_S)

    async def _answered(self, asked: CloudEvent[Any]) -> Any:
        await self.world.systems.send(asked)
        return await eventually(lambda: self.world.systems.answer_to(asked.id) or False, within=WITHIN_S)

    async def grown(self, more: int) -> None:
        """Wait until so many more have asked."""
        wanted = len(self.asked) + more
        await eventually(lambda: len(self.asked) >= wanted, within=WITHIN_S)


async def live(world: World, seed: int) -> Books:
    """Have the crowd come while both providers move their sessions; return the books of it all."""
    catalogue, crowd = Catalogue(), Crowd(world, Random(seed))
    providers = [Provider(world, catalogue, id, Random(f"{seed} {id}")) for id in SESSIONS]
    for provider in providers:
        await provider.publish()

    async def move(provider: Provider) -> None:
        for _ in range(CHANGES):
            await crowd.grown(BETWEEN)
            await provider.change()

    async with asyncio.TaskGroup() as people:
        for number in range(ASKERS):
            people.create_task(crowd.come(number))
        async with asyncio.TaskGroup() as desks:
            for provider in providers[:2]:
                desks.create_task(move(provider))
        crowd.stopped = True
    for provider in providers:
        provider.off.clear()
        await provider.publish()
    await everybody_is_answered_once(world, crowd)
    return await books_of(world, crowd, catalogue)


async def everybody_is_answered_once(world: World, crowd: Crowd) -> None:
    """Check that no request and no cancellation is left without an answer, and none has two."""
    answers = {id: len(world.systems.answers[id]) for id in crowd.asked}
    assert Counter(answers.values()) == {1: len(crowd.asked)}
    ended = [fact["data"]["enrolmentId"] for fact in world.systems.facts if fact["kind"] == "enrolment-cancelled"]
    assert len(ended) == len(set(ended))
    assert all(id in world.systems.effects for id in crowd.cancelled)


async def books_of(world: World, crowd: Crowd, catalogue: Catalogue) -> Books:
    """Read everything that was told, once it is all there."""
    database = world.databases["enrolment"]

    async def all_is_told() -> bool:
        left = [await database[name].count_documents({}) for name in ("unfinished", "outbox")]
        return not any(left)

    async def all_is_heard() -> bool:
        versions = read().versions
        rows = await database["sessions"].find().to_list(None)
        return all(versions[row["editionId"], row["sessionId"]] == row["version"] for row in rows)

    def read() -> Books:
        books = Books(catalogue, crowd.particular)
        for fact in list(world.systems.facts):
            if fact["source"] != CATALOG:
                books.read(fact)
        return books

    await eventually(all_is_told, within=WITHIN_S)
    await eventually(all_is_heard, within=WITHIN_S, every=0.5)
    return read()


async def moving(place: Place, seed: int, *, without: str | None = None) -> None:
    """Let two processes decide, and check what everybody may see."""
    with running(place, "enrolment", "enrolment", settings=SMALL_BATCHES, without=without):
        async with open_world(place) as world:
            books = await live(world, seed)
            assert not books.offences
            assert not books.idle()
            assert not [verdict for verdict in await world.verdicts(settle=3) if "invitation" not in verdict.promise]


async def test_every_promise_holds_while_sessions_move(place: Place) -> None:
    """The catalogue changes when it likes, and an operator runs as many processes as the work asks for."""
    await moving(place, 1)


async def test_so_it_does_where_ends_and_lists_take_many_portions(place: Place) -> None:
    """A portion of an ending, or of a list, is decided in one process while the other moves the session."""
    await moving(place, 2, without="crumbs")


async def test_without_revisions_they_write_over_each_other(place: Place) -> None:
    """Switched off, the guard of the tests above is missed."""
    with pytest.raises((AssertionError, ExceptionGroup)):
        await moving(place, 1, without="revisions")
