"""An account that asks for more than it may: earlier answers, and room for what is no valid event."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo.asynchronous.collection import AsyncCollection

from instroom_contracts.cloudevent import new_event, type_of
from instroom_contracts.intake import AnswerRequested, EnrolmentRequested
from instroom_contracts.topology import INTAKE
from tests.e2e.world import open_world
from tests.support.eventually import eventually
from tests.support.oddities import headers, publish_raw, raw_channel, text
from tests.support.place import Place
from tests.support.running import running
from tests.unit.enrolment.examples import WEBSITE


@pytest.mark.parametrize(("a_minute", "refused"), [(2, 3), (600, 0)], ids=["limited", "hardly limited"])
async def test_who_asks_too_often_is_told_to_ask_later(place: Place, a_minute: int, refused: int) -> None:
    """A line makes us tell many facts to everybody; above a limit it makes us tell one."""
    with running(place, "enrolment", settings={"ASKED_PER_MINUTE": str(a_minute)}):
        async with open_world(place) as world:
            for number in range(5):
                asked = AnswerRequested(request_id="never-sent")
                await world.systems.send(new_event(asked, source=WEBSITE, id=f"ask-{number}"))
            await eventually(lambda: world.systems.counts["request-refused"] == 5)
    reasons = [fact["data"]["reason"] for fact in world.systems.facts]
    assert reasons == ["unknown-request"] * (5 - refused) + ["asked-too-often"] * refused


KEY = type_of(EnrolmentRequested).encode()
HEAVY = {
    "few that are long": headers(*((b"h%d" % number, text(b"x" * 1000)) for number in range(120))),
    "many that are short": headers(*((b"%d" % number, b"V") for number in range(15_000))),
}
KEPT, MESSAGES = 1_000_000, 20
ROOM_FOR_THE_REST = 50_000
"""What is noted of messages that are not kept: reason, ids, length and hash."""


async def heavy_headers_fill_the_quarantine(place: Place, kind: str, without: str | None = None) -> None:
    """Send messages of two bytes with headers of 100 KB, and check that no more is kept than may be."""
    limit = {"QUARANTINE_BYTES_PER_DAY": str(KEPT), "INTAKE_SENDERS": "any"}
    with running(place, "enrolment", settings=limit, without=without):
        async with open_world(place) as world, raw_channel(place.rabbitmq_url_of("integrator")) as channel:
            for number in range(MESSAGES):
                await publish_raw(channel, INTAKE, KEY, HEAVY[kind], b"%02d" % number)
            held = world.databases["enrolment"]["quarantine"]
            await eventually(lambda: _counts(held, MESSAGES), within=30)
            sizes = await held.aggregate([{"$group": {"_id": None, "bytes": {"$sum": {"$bsonSize": "$$ROOT"}}}}])
            (total,) = await sizes.to_list(None)
    assert total["bytes"] <= KEPT + ROOM_FOR_THE_REST


async def _counts(collection: AsyncCollection[dict[str, Any]], wanted: int) -> bool:
    return await collection.count_documents({}) == wanted


@pytest.mark.parametrize("kind", HEAVY)
async def test_headers_count_for_what_an_account_may_have_kept(place: Place, kind: str) -> None:
    """With a body of two bytes each, a line once filled the disk past any limit."""
    await heavy_headers_fill_the_quarantine(place, kind)


async def test_weighed_without_its_headers_a_message_takes_what_it_likes(place: Place) -> None:
    """Switched off, the guard of the test above is missed."""
    with pytest.raises(AssertionError):
        await heavy_headers_fill_the_quarantine(place, "few that are long", without="scales")
