"""Decisions about thousands of places, during which the service is killed again and again and others go on asking.

How many thousands, and whether they are mailed, is for the environment to say (CONTRIBUTING.md has the commands); what
was seen of it goes to INSTROOM_TEST_FIGURES.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from instroom_contracts.catalog import EditionPublished
from instroom_contracts.cloudevent import CloudEvent
from tests.e2e.world import World, open_world
from tests.faults.load import every_promise_is_kept, every_request_is_answered_once, load
from tests.faults.watch import Count, Watch
from tests.support.calendars import received
from tests.support.eventually import eventually
from tests.support.mailserver import MailServer
from tests.support.place import Place
from tests.support.running import ServiceProcess, running
from tests.unit.enrolment.examples import edition, request, session

ENDED = int(os.environ.get("INSTROOM_TEST_ENDED", "10000"))
"""How many places end: a tenth of them are on the waiting list."""
PROMOTED = int(os.environ.get("INSTROOM_TEST_PROMOTED", "1000"))
REINSTATED = int(os.environ.get("INSTROOM_TEST_REINSTATED", "800"))
PARKED = int(os.environ.get("INSTROOM_TEST_PARKED", "800"))
MAILED = bool(os.environ.get("INSTROOM_TEST_MAILED"))
"""Whether the notification service runs as well, and the auditor looks at what it did."""

QUARTERS = (0.25, 0.5, 0.75)
ONCE, AGAIN = "0.5", "0.25 0.5 0.75"
"""How far a decision is when a kill comes; the environment may say otherwise, also that none comes."""


BIG = "vol"
ON_SITE: dict[str, Any] = {"form": "on-site", "location": "Utrecht", "starts_at": datetime(2045, 6, 8, 7, tzinfo=UTC)}


def big(version: int, capacity: int | None = None, state: str = "planned") -> EditionPublished:
    """Return the edition whose only session is decided about."""
    return edition(session(capacity=capacity, state=state, **ON_SITE), version=version, edition_id=BIG)


def requests(number: int) -> list[CloudEvent[Any]]:
    """Return requests of as many people for it."""
    return [request(name=f"deelnemer-{n}", edition_id=BIG) for n in range(number)]


def patience(number: int) -> float:
    """Return how many seconds so many places may take, with the kills in between."""
    return 120 + number / 5


@dataclass
class Stage:
    """Where a decision is made: the world, and the service that is killed."""

    world: World
    services: Sequence[ServiceProcess]
    patience: float

    async def enrol(self, number: int) -> list[str]:
        """Have as many people ask for a place, and wait for every answer; return their requests' ids."""
        asked = requests(number)
        await self.world.send_all(asked)
        ids = [one.id for one in asked]
        await self.world.answered(ids, within=self.patience)
        await self.everything_is_mailed()
        return ids

    async def decide(
        self,
        name: str,
        decision: Coroutine[Any, Any, None],
        done: Count,
        numbers: tuple[int, int],
        *,
        kills: str = ONCE,
    ) -> None:
        """Decide, kill, have others ask for places elsewhere meanwhile, and look at what became of it all."""
        watch, (first, last) = Watch(name, self.services), numbers
        async with load(self.world, 100_000, pause_s=0.2, systems=1) as asking:
            await decision
            killed_at = {float(part) for part in os.environ.get("INSTROOM_TEST_KILLED_AT", kills).split()}
            for part in QUARTERS:
                await watch.until(done, first + int(part * (last - first)), within=self.patience)
                if part in killed_at:
                    await watch.kill(self.services[0])
            await watch.until(done, last, within=self.patience)
            asking.stop()
        await every_request_is_answered_once(self.world, asking.asked)
        await watch.over(asking.waited_s)

    async def everything_is_mailed(self) -> None:
        """Wait until the notification service has no mail to send, where it runs."""
        mails = self.world.databases["notification"]["mails"]
        under_way = {"delivery.state": {"$in": ["pending", "sending", "retry"]}}

        async def none() -> bool:
            return not await mails.count_documents(under_way)

        if MAILED:
            await eventually(none, within=self.patience, every=0.5)

    async def all_is_well(self) -> None:
        """Have the auditor look, once everything is told and mailed."""
        await self.everything_is_mailed()
        await every_promise_is_kept(self.world, but=None if MAILED else "invitation", settle=5)

    async def count(self, *states: str) -> int:
        """Return how many places are in these states."""
        counts = await self.world.databases["enrolment"]["sessions"].find_one({"_id": f"{BIG}/werksessie"})
        return sum(counts[state] for state in states) if counts else 0

    def told(self, *kinds: str) -> list[dict[str, Any]]:
        """Return the facts of these kinds about the edition, each once, in the order in which they were heard."""
        facts = {fact["id"]: fact for fact in self.world.systems.facts if fact["data"].get("editionId") == BIG}
        return [fact for fact in facts.values() if fact["kind"] in kinds]


@asynccontextmanager
async def open_stage(
    place: Place,
    mail_server: MailServer,
    number: int,
    *,
    without: str | None = None,
    within: float | None = None,
    parking_s: int = 20,
) -> AsyncIterator[Stage]:
    """Run what a decision about so many places takes."""
    settings = {"SMTP_URL": mail_server.url, "MAIL_POLL_MS": "50", "PARKING_S": str(parking_s)}
    services = ("enrolment", "notification") if MAILED else ("enrolment",)
    with running(place, *services, settings=settings, without=without) as processes:
        async with open_world(place) as world:
            await world.publish_edition(edition(session(**ON_SITE)), *services)
            yield Stage(world, processes, within or patience(number))


def each_once(facts: Iterable[dict[str, Any]], number: int) -> None:
    """Check that there is one fact of each kind for each of so many enrolments."""
    told = Counter((str(fact["kind"]), str(fact["data"]["enrolmentId"])) for fact in facts)
    assert set(told.values()) <= {1}
    assert set(Counter(kind for kind, _ in told).values()) == {number}


async def cancelled_under_fire(place: Place, mail_server: MailServer, number: int, **fields: Any) -> None:
    """Cancel a session with so many places."""
    async with open_stage(place, mail_server, number, **fields) as stage:
        seats = number - number // 10
        await stage.world.publish_edition(big(1, seats))
        await stage.enrol(number)
        cancel = stage.world.publish_edition(big(2, seats, "cancelled"))

        async def ended() -> int:
            return number - await stage.count("confirmed", "queued")

        await stage.decide("cancelled", cancel, ended, (0, number), kills=AGAIN)
        ends = {"enrolment-cancelled", "place-released"}
        await eventually(lambda: each_once(stage.told(*ends), number), within=30)
        await stage.all_is_well()


async def test_ten_thousand_places_end_once_whatever_is_killed(place: Place, mail_server: MailServer) -> None:
    """A portion is committed or it is not; what is left is in the database, with what was done."""
    await cancelled_under_fire(place, mail_server, ENDED)


async def test_without_keeping_what_is_left_most_would_never_end(place: Place, mail_server: MailServer) -> None:
    """Switched off, the guard of the test above is missed."""
    with pytest.raises((AssertionError, TimeoutError)):
        await cancelled_under_fire(place, mail_server, 1000, without="rest", within=10)


async def test_a_long_list_gets_its_seats_in_its_order_whatever_is_killed(
    place: Place, mail_server: MailServer
) -> None:
    """One event promotes everybody: nobody overtakes, nobody is left, and others are decided in between."""
    async with open_stage(place, mail_server, PROMOTED) as stage:
        await stage.world.publish_edition(big(1, 0))
        await stage.enrol(PROMOTED)
        grow = stage.world.publish_edition(big(2, PROMOTED))
        await stage.decide("promoted", grow, partial(stage.count, "confirmed"), (0, PROMOTED))
        await eventually(lambda: each_once(stage.told("place-confirmed"), PROMOTED), within=30)
        queued, seated = stage.told("enrolment-queued"), stage.told("place-confirmed")
        assert [fact["data"]["enrolmentId"] for fact in seated] == [fact["data"]["enrolmentId"] for fact in queued]
        await stage.all_is_well()


async def parked(stage: Stage) -> list[str]:
    """Have people ask for what is not published yet; return their requests' ids in the order in which they wait."""
    kept = stage.world.databases["enrolment"]["parked"]
    await stage.world.send_all(requests(PARKED))

    async def all_wait() -> None:
        assert await kept.count_documents({"editionId": BIG}) == PARKED

    await eventually(all_wait, within=stage.patience)
    line = kept.find({"editionId": BIG}, {"number": 1}).sort("number", 1)
    return [row["_id"].rpartition(" ")[2] async for row in line]


async def test_those_who_waited_for_an_edition_are_decided_in_their_order_whatever_is_killed(
    place: Place, mail_server: MailServer
) -> None:
    """Also where the time of some runs out meanwhile, since whoever goes on has to wait for the lease of the dead."""
    async with open_stage(place, mail_server, PARKED) as stage:
        line = await parked(stage)
        publish = stage.world.publish_edition(big(1, PARKED // 2))
        await stage.decide("parked", publish, partial(stage.count, "confirmed", "queued"), (0, PARKED))
        await stage.world.answered(line, within=30)
        answers = stage.told("enrolment-confirmed", "enrolment-queued")
        assert [fact["correlationid"] for fact in answers] == line
        await stage.all_is_well()


async def test_those_who_waited_in_vain_are_all_refused_whatever_is_killed(
    place: Place, mail_server: MailServer
) -> None:
    """Each has an answer soon after its time has run out, however many there are."""
    async with open_stage(place, mail_server, PARKED, parking_s=10 if PARKED < 2000 else 20) as stage:
        line = await parked(stage)

        async def refused() -> int:
            waiting: int = await stage.world.databases["enrolment"]["parked"].count_documents({})
            return PARKED - waiting

        await stage.decide("expired", asyncio.sleep(0), refused, (0, PARKED))
        answers = await stage.world.answered(line, within=30)
        assert {fact["data"]["reason"] for fact in answers} == {"unknown-edition"}
        await stage.all_is_well()


async def test_a_session_that_is_cancelled_and_reinstated_ends_each_place_once_and_puts_nobody_back(
    place: Place, mail_server: MailServer
) -> None:
    """Reinstated while its places end, whoever has one still keeps it; cancelled again, these end as well."""
    async with open_stage(place, mail_server, REINSTATED) as stage:
        await stage.world.publish_edition(big(1))
        await stage.enrol(REINSTATED)

        async def ended() -> int:
            return REINSTATED - await stage.count("confirmed")

        await stage.world.publish_edition(big(2, state="cancelled"))
        await eventually(partial(at_least, ended, REINSTATED // 4), within=stage.patience)
        await stage.world.publish_edition(big(3))
        await eventually(partial(nothing_is_left, stage), within=stage.patience)
        gone = await ended()
        assert 0 < gone < REINSTATED
        cancel = stage.world.publish_edition(big(4, state="cancelled"))
        await stage.decide("cancelled again", cancel, ended, (gone, REINSTATED))
        await stage.world.publish_edition(big(5))
        await eventually(lambda: each_once(stage.told("enrolment-cancelled", "place-released"), REINSTATED), within=30)
        await stage.everything_is_mailed()
        if MAILED:
            calendars_show_nothing(mail_server)
        await stage.all_is_well()


async def at_least(done: Count, number: int) -> bool:
    """Say whether so many are done."""
    return await done() >= number


async def nothing_is_left(stage: Stage) -> bool:
    """Say whether all long work has come to its end."""
    return not await stage.world.databases["enrolment"]["due"].count_documents({})


def calendars_show_nothing(mail_server: MailServer) -> None:
    """Check each entry: whoever was invited to the session was told once that it is off, and nothing after that."""
    told: dict[str, list[str]] = defaultdict(list)
    for mail in map(received, [mail.raw for mail in mail_server.mails]):
        if f".{BIG}." in mail.uid:
            told[mail.uid].append(mail.method)
    assert set(map(tuple, told.values())) <= {("REQUEST", "CANCEL")}
    assert len(told) == REINSTATED
