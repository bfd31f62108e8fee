"""Faults in what is done, by services that run: each is mended as an operator would mend it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count

import aio_pika

from instroom_contracts import topology
from instroom_contracts.cloudevent import type_of
from instroom_contracts.intake import EnrolmentRequested
from tests.integration.cli.desk import TIME, Desk
from tests.integration.cli.faults.planting import (
    EDITION,
    ELSEWHERE,
    KEY,
    OTHER,
    PLAIN,
    SESSION,
    Fault,
    cancel,
    enrol,
    holder,
)
from tests.support.eventually import wait_until

REQUESTED = type_of(EnrolmentRequested)
REQUESTS = topology.queue_name("enrolment", REQUESTED)
DEAD = topology.dead_letter_queue(REQUESTS)
WEBSITE = "urn:nld:oin:00000001823288444000:systeem:website"
TOO_LATE = ("--time", "2021-05-23T11:30:00+02:00", "--source", WEBSITE, "--timeout", "2")
UNANSWERED = 5
NOBODY = {"_id": "relay", "owner": "nobody"}
PERSON = {"name": "Robin Jansen", "email": "dood@example.org", "organisation": "Gemeente", "role": "medewerker"}
numbers = count()


@contextmanager
def one_seat_too_many(desk: Desk) -> Iterator[None]:
    """Have the service seat one more than the catalogue offers; afterwards everything but the catalogue agrees."""
    with desk.kept("enrolment") as kept:
        pool = {"sessions": [EDITION, SESSION]}
        kept["pools"].update_one(pool, {"$inc": {"capacity": 1, "limit": 1, "revision": 1}})
        cancel(desk, holder(kept))
        kept["pools"].update_one(pool, {"$inc": {"capacity": -1, "revision": 1}})
        yield
        cancel(desk, holder(kept))
    for name in ("nieuw-1", "nieuw-2"):
        enrol(desk, name)


@contextmanager
def nobody_relays(desk: Desk) -> Iterator[str]:
    """Have nobody publish what the enrolment service tells; gives the id of a request whose answer lies there."""
    with desk.kept("enrolment") as kept:
        until = datetime.now(UTC) + timedelta(days=1)
        kept["leases"].update_one({"_id": "relay"}, {"$set": {"owner": "nobody", "until": until}})
        try:
            wait_until(lambda: desk.request(f"te-laat-{next(numbers)}", *TOO_LATE).exit_code == UNANSWERED, within=60)
            answers = [json.loads(event["body"]) for row in kept["outbox"].find() for event in row["events"]]
            yield next(fact["correlationid"] for fact in answers if "enrolment-rejected" in fact["type"])
        finally:
            kept["leases"].delete_one(NOBODY)


@contextmanager
def outbox_that_stays(desk: Desk) -> Iterator[None]:
    """Have decisions made that nobody hears of, until somebody relays again."""
    with nobody_relays(desk):
        yield


@contextmanager
def answer_that_is_lost(desk: Desk) -> Iterator[None]:
    """Delete what was to be told, as nobody should; then have the answer told that is kept with the decision."""
    with nobody_relays(desk) as request, desk.kept("enrolment") as kept:
        kept["outbox"].delete_many({})
    yield
    told = desk.run("answer", request, "--source", WEBSITE)
    assert "deadline-passed" in told.stdout, told.output


@contextmanager
def request_that_died(desk: Desk) -> Iterator[None]:
    """Have a request expire while nobody reads; then put it back."""
    enrolment, management = desk.services["enrolment"], desk.place.servers.broker.management
    enrolment.stop()
    try:
        data = {"editionId": PLAIN, "participant": {**PERSON, "region": "groningen"}}
        event = {"specversion": "1.0", "id": "dood", "source": WEBSITE, "type": REQUESTED, "time": TIME, "data": data}
        asyncio.run(desk.publish(json.dumps(event).encode(), REQUESTED, expiration=timedelta(milliseconds=1)))
        wait_until(lambda: bool(management.call("GET", f"queues/{desk.place.name}/{DEAD}")["messages"]), within=30)
    finally:
        enrolment.start()
    yield
    asyncio.run(bring_back(desk))


async def bring_back(desk: Desk) -> None:
    """Put a dead letter back into the queue that it died in, as it is: so does the broker's shovel plugin."""
    async with await aio_pika.connect(desk.place.rabbitmq_url) as connection:
        channel = await connection.channel()
        letter = await (await channel.get_queue(DEAD, ensure=False)).get()
        assert letter is not None
        again = aio_pika.Message(letter.body, content_type=letter.content_type)
        await channel.default_exchange.publish(again, REQUESTS)
        await letter.ack()


@contextmanager
def end_that_was_forgotten(desk: Desk) -> Iterator[None]:
    """Call a session off and end nobody's place in it; then start the service again, which looks for such places."""
    with desk.kept("enrolment") as kept:
        off = {"$set": {"sessions.$[in].state": "cancelled"}, "$inc": {"revision": 1}}
        kept["editions"].update_one({"_id": ELSEWHERE}, off, array_filters=[{"in.sessionId": OTHER}])
    yield
    desk.services["enrolment"].stop()
    desk.services["enrolment"].start()


DONE: dict[str, Fault] = {
    "a seat too many": Fault(
        "no session has more confirmed places than it ever had seats", KEY, one_seat_too_many, settle="3"
    ),
    "an outbox that stays": Fault("the outboxes are empty", "enrolment", outbox_that_stays),
    "an answer that is lost": Fault("every request has exactly one answer", WEBSITE, answer_that_is_lost),
    "a request that died": Fault("no message died on the broker", DEAD, request_that_died, settle="3"),
    "an end that was forgotten": Fault(
        "nobody has a place in what is cancelled", f"{ELSEWHERE}/{OTHER}", end_that_was_forgotten, settle="3"
    ),
}
