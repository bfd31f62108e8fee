"""Random histories on a real database, in batches and with repetitions, beside the service in memory and the model."""

from __future__ import annotations

import asyncio
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from chassis.committer import Committer, Limits
from chassis.consumer import Batch, Consumer
from chassis.deciding import Received
from chassis.documents import Document, Kind
from chassis.handling import Tell
from chassis.mongo import Driver
from instroom_contracts.catalog import EditionPublished
from instroom_contracts.cloudevent import CloudEvent, EventData, new_event, type_of
from instroom_contracts.topology import TYPES
from services.enrolment.domain.seats import Turn
from services.enrolment.storage.kinds import EDITIONS, ENROLMENTS, PARTICIPANTS, POOLS, SESSIONS, WAITING
from tests.integration.enrolment.ground import Ground, open_ground, received
from tests.support.place import Place
from tests.unit.enrolment.examples import ASKED, CATALOG, Desk
from tests.unit.enrolment.history import STEPS, History, Seats, Step
from tests.unit.enrolment.test_invariants import agree

KINDS: tuple[Kind[Any], ...] = (EDITIONS, POOLS, SESSIONS, ENROLMENTS, PARTICIPANTS, WAITING)
WITHIN_S = 30.0
BOUNDS = settings(
    max_examples=40,
    stateful_step_count=8,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)


class Dictating(Desk):
    """A desk in memory that writes down every event that it handles."""

    def __init__(self) -> None:
        super().__init__()
        self.handled: list[CloudEvent[Any]] = []

    def publish(self, published: EditionPublished, *, at: datetime = ASKED) -> list[EventData]:
        """Take in an edition."""
        name = f"{published.edition_id}-{published.version}"
        self.handled.append(new_event(published, source=CATALOG, id=name, time=at))
        return super().publish(published, at=at)

    def tells(self, event: CloudEvent[Any], *, now: datetime = ASKED) -> list[Tell]:
        """Handle a request."""
        self.handled.append(event)
        return super().tells(event, now=now)


class Story(RuleBasedStateMachine):
    """Two processes commit, in batches, what the desk in memory has handled one by one; some of it several times."""

    def __init__(self, ground: Ground, runner: asyncio.Runner) -> None:
        super().__init__()
        self.ground, self.runner = ground, runner
        self.runner.run(ground.clear())
        self.processes = [ground.committer() for _ in range(2)]
        self.desk = Dictating()
        self.committed = 0

    @initialize(seats=Seats)
    def open(self, seats: dict[str, int | None]) -> None:
        """Publish the editions."""
        self.history = History(seats, desk=self.desk)
        self.commit(batch=2, process=0, again=[])

    @rule(
        steps=STEPS,
        batch=st.integers(1, 20),
        process=st.integers(0, 1),
        again=st.lists(st.integers(0, 1000), max_size=4),
    )
    def live_on(self, steps: list[Step], batch: int, process: int, again: list[int]) -> None:
        """Live through some more, and have all of it committed."""
        for step in steps:
            self.history.take(step)
        self.commit(batch, process, again)

    def commit(self, batch: int, process: int, again: list[int]) -> None:
        """Commit what is new, with some earlier messages in between, by one of the processes; then compare."""
        handled = self.desk.handled
        coming = handled[self.committed :]
        for number in again if coming else []:
            place = number % len(coming) + 1
            earlier = [*handled[: self.committed], *coming[:place]]
            coming.insert(place, earlier[number % len(earlier)])
        messages = iter(received(coming))
        portions = list(iter(lambda: list(islice(messages, batch)), []))
        self.runner.run(pipelined(self.processes[process], portions))
        self.committed = len(handled)
        self.runner.run(self.compare())

    async def compare(self) -> None:
        """Check that database, memory and model say the same, and that each fact was told once."""
        agree(self.history)
        for kind in KINDS:
            kept, expected = await self.ground.all(kind), self.desk.memory.all(kind)
            assert _written(kind, kept) == _written(kind, expected), f"{kind.collection} differ"
        assert in_order(await self.ground.all(WAITING)) == in_order(self.desk.memory.all(WAITING))
        told = await self.ground.told()
        assert by_exchange(told) == by_exchange([type_of(type(fact)) for fact in self.history.told])


def by_exchange(types: list[str]) -> list[str]:
    """Return what was told, that of one exchange after that of another: order is promised on each alone."""
    return sorted(types, key=lambda told: TYPES[told].exchange)


async def pipelined(process: Committer, portions: list[list[Received]]) -> None:
    """Commit portions as the consumer does: while one is written, the next is decided on top of it."""
    consumer, batches = Consumer(process, {}, Limits(1, 0)), iter([Batch(portion, [], []) for portion in portions])

    async def following(_: Consumer) -> Batch | None:
        return next(batches, None)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Consumer, "_next", following)
        async with asyncio.timeout(WITHIN_S):
            await consumer.run()


def _written(kind: Kind[Any], values: dict[str, Any]) -> dict[str, Document]:
    """Return documents without the moments of decision, which are others in the database than in memory."""
    return {id: {**kind.write(value), "last": None, "number": None} for id, value in values.items()}


def in_order(turns: dict[str, Turn]) -> list[str]:
    """Return the ids of turns in the order of decision, over all sessions."""
    return [turn.id for turn in sorted(turns.values(), key=lambda turn: turn.order)]


def live_through_stories(place: Place, driver: Driver) -> None:
    """Live through random stories in a place."""
    with asyncio.Runner() as runner:
        opening = open_ground(place, driver)
        ground = runner.run(opening.__aenter__())
        try:
            run_state_machine_as_test(partial(Story, ground, runner), settings=BOUNDS)  # type: ignore[arg-type]
        finally:
            runner.run(opening.__aexit__(None, None, None))


@pytest.mark.parametrize("driver", ["motor", "pymongo"])
def test_the_database_says_what_the_model_says(place: Place, driver: Driver) -> None:
    """Batches, retries and repetitions must not make another history than one message after the other."""
    live_through_stories(place, driver)


def test_without_memory_a_repetition_makes_another_history(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Switched off, the guard of the test above is missed."""

    async def nothing(*_: object) -> dict[str, str]:
        return {}

    monkeypatch.setattr("chassis.inbox.seen", nothing)
    monkeypatch.setattr("chassis.inbox.record", nothing)
    with pytest.raises((AssertionError, TimeoutError)):
        live_through_stories(place, "motor")
