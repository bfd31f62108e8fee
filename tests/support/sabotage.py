"""Running a service with one of its guards switched off, to see that the test of that guard would notice.

`python -m tests.support.sabotage GUARD MODULE` runs the module as it would run by itself, but for the guard.
"""

from __future__ import annotations

import asyncio
import runpy
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from typing import Any

import motor.motor_asyncio
from faststream.rabbit import RabbitBroker
from pamqp.header import ContentHeader
from pymongo import DeleteOne, ReplaceOne

from chassis import committer, consumer, deciding, facts, hands, inbox, lane, link, mongo, reading, service, store
from chassis.pipeline import Confirms
from instroom_contracts.cloudevent import decode
from services.enrolment.domain import decision, rules
from services.enrolment.domain.seats import UNLIMITED, Pool
from services.enrolment.handlers import concluding, editions, untold
from services.enrolment.migrations import participants
from services.enrolment.storage import kinds, schema
from services.notification.handlers import notify
from services.notification.sending import ledger

FRAGILE = b"handle with care"
"""What a message says that `fragile` drops."""


def switch(owner: object, name: str, stand_in: object) -> None:
    """Put something else in the place of a part of the system; it must be there, or the twin would prove nothing."""
    assert hasattr(owner, name)
    setattr(owner, name, stand_in)


def seats() -> None:
    """Give seats whether there are any or not."""
    switch(Pool, "free", property(lambda _: UNLIMITED))
    switch(Pool, "capped", lambda pool: replace(pool, limit=None))
    switch(schema, "POOL_GUARD", {})


def memory() -> None:
    """Forget which messages were decided."""

    async def nothing(*_: object) -> None: ...

    switch(deciding.Received, "key", None)
    switch(inbox, "record", nothing)


def quarantine() -> None:
    """Let a message that is no valid event fail as an error would."""

    def strict(body: bytes, content_type: Any, headers: Any, hears: Any, now: Any) -> Any:
        return decode(body, model=hears.model, content_type=content_type, headers=headers, now=now)

    def unguarded(self: consumer.Consumer, delivery: consumer.Delivery) -> Any:
        now = self._committer.clock.latest()
        return reading.received(delivery.arrived, delivery.queue, self._heard[delivery.queue], now)

    switch(reading, "_event_in", strict)
    switch(consumer.Consumer, "_read", unguarded)


def legibility() -> None:
    """Read properties as the broker's client does, where the whole connection is read."""
    take = consumer.Consumer._take

    def read_first(self: consumer.Consumer, delivery: consumer.Delivery) -> None:
        ContentHeader().unmarshal(bytes(12) + delivery.arrived.properties)
        take(self, delivery)

    switch(consumer.Consumer, "_take", read_first)


def breaker() -> None:
    """Never find the message that loses connections, and have some that do."""
    fragile()
    switch(hands.Breaker, "condemns", lambda *_: False)


def fragile() -> None:
    """Lose the connection over a message that asks for it: no guard, but what nobody foresaw."""
    take = consumer.Consumer._take

    def fail(self: consumer.Consumer, delivery: consumer.Delivery) -> None:
        take(self, delivery)
        if FRAGILE in delivery.arrived.body and not self._breakers[delivery.queue].condemns(delivery.arrived.body):
            raise RuntimeError("this one costs the connection")

    switch(consumer.Consumer, "_take", fail)


def stillborn() -> None:
    """Fail where FastStream starts: no guard, but a connection that is lost at the wrong moment."""

    async def fail(_: RabbitBroker) -> None:
        raise ConnectionError("lost")

    switch(RabbitBroker, "start", fail)


def progress() -> None:
    """Take messages, and never acknowledge any."""

    async def nothing(_: consumer.Consumer, __: Sequence[consumer.Delivery]) -> None: ...

    switch(consumer.Consumer, "_acknowledge", nothing)
    switch(hands, "STALLED_S", 0.5)


def isolation() -> None:
    """Write without transactions, and over whatever others have written."""

    @asynccontextmanager
    async def unguarded(_: mongo.Mongo) -> AsyncIterator[None]:
        yield None

    async def overwrite(database: mongo.Database, collection: str, bulk: store.Bulk, _: object) -> None:
        forced: list[Any] = [DeleteOne({"_id": id}) for id in bulk.removed]
        forced += [
            ReplaceOne({"_id": document["_id"]}, document, upsert=True) for document in bulk.inserted + bulk.replaced
        ]
        if forced:
            await database[collection].bulk_write(forced, ordered=False)

    switch(mongo.Mongo, "transaction", unguarded)
    switch(store, "bulk_write", overwrite)
    switch(inbox, "bulk_write", overwrite)


def moment() -> None:
    """Read what a batch needs at several moments, with time for others in between."""
    read = store.Store._read_kind

    @asynccontextmanager
    async def now_and_then(self: mongo.Mongo) -> AsyncIterator[mongo.Transaction]:
        async with await mongo._settled(self._client.start_session()) as session:
            yield session

    async def slowly(self: store.Store, kind: Any, *rest: Any) -> None:
        await asyncio.sleep(0.03)
        await read(self, kind, *rest)

    switch(mongo.Mongo, "snapshot", now_and_then)
    switch(store.Store, "_read_kind", slowly)


def crumbs() -> None:
    """Do long work two places at a time: no guard, but what takes a session of thousands otherwise."""
    switch(decision, "PORTION", 2)


def revisions() -> None:
    """Write pools and counts over whatever others have made of them."""
    write, unguarded = store.bulk_write, {kinds.POOLS.collection, kinds.SESSIONS.collection}

    async def overwrite(database: mongo.Database, collection: str, bulk: store.Bulk, session: Any) -> None:
        if collection in unguarded:
            for document in bulk.replaced:
                await database[collection].replace_one({"_id": document["_id"]}, document, session=session)
            bulk = replace(bulk, replaced=[])
        await write(database, collection, bulk, session)

    switch(store, "bulk_write", overwrite)
    switch(schema, "POOL_GUARD", {})
    switch(schema, "SESSION_GUARD", {})


def acknowledgement() -> None:
    """Acknowledge messages when they come instead of when they are committed."""
    take = consumer.Consumer._take

    def acknowledge_first(self: consumer.Consumer, delivery: consumer.Delivery) -> None:
        take(self, delivery)
        task = asyncio.ensure_future(delivery.hand.channel.basic_ack(delivery.tag))
        task.add_done_callback(lambda done: done.exception())

    async def nothing(_: consumer.Consumer, __: Sequence[consumer.Delivery]) -> None: ...

    switch(consumer.Consumer, "_take", acknowledge_first)
    switch(consumer.Consumer, "_acknowledge", nothing)


def confirms() -> None:
    """Take facts out of the outbox whether the broker has them or not."""
    publish = lane.Lane._publish

    async def publish_blindly(self: lane.Lane, events: Sequence[Any]) -> Confirms:
        with suppress(*lane.TROUBLE):
            async with asyncio.timeout(1):
                await publish(self, events)
        return Confirms(0)

    switch(lane.Lane, "_publish", publish_blindly)


def order() -> None:
    """Tell what waits in the outbox last first."""
    publish = lane.Lane._publish

    async def publish_backwards(self: lane.Lane, events: Sequence[Any]) -> Confirms:
        return await publish(self, events[::-1])

    switch(lane.Lane, "_publish", publish_backwards)


def bypass() -> None:
    """Wait for every queue that a fact is routed to, whatever that one does."""

    def go_on(_: facts.Facts) -> None: ...

    switch(facts.Facts, "_turn_away", go_on)


def patience() -> None:
    """Wait for no database, and blame the message at hand when it is away."""
    connect = motor.motor_asyncio.AsyncIOMotorClient

    @contextmanager
    def untranslated() -> Iterator[None]:
        yield

    def connect_or_fail(url: str, **options: Any) -> Any:
        return connect(url, **{**options, "serverSelectionTimeoutMS": 200})

    switch(motor.motor_asyncio, "AsyncIOMotorClient", connect_or_fail)
    switch(mongo, "translated", untranslated)
    switch(mongo, "COMMIT_DEADLINE_S", 0)
    switch(committer, "Unavailable", ZeroDivisionError)


def hurry() -> None:
    """Wait for ever for a broker that took the connection."""
    switch(link, "CONNECT_TIMEOUT_S", None)
    switch(service, "CONNECT_TIMEOUT_S", None)


def leave() -> None:
    """Send a mail's final dot without recording that it comes next."""

    async def unrecorded(*_: object) -> bool:
        return True

    switch(ledger.MongoLedger, "hand_over", unrecorded)


def echoes() -> None:
    """Answer our own facts like anything else on the intake."""
    switch(deciding, "is_echo", lambda *_: False)


def keys() -> None:
    """Leave participants under the keys of an earlier release."""

    async def nothing(*_: object) -> None: ...

    switch(participants, "rekey", nothing)


def farewells() -> None:
    """Keep from notification what 0.2.0 kept from it."""
    switch(untold, "withdraw_again", lambda *_: None)


def measure() -> None:
    """Find out that an answer fits into no message when it is written, and not before."""
    switch(rules, "RULES", rules.RULES[1:])


def scales() -> None:
    """Weigh the body of a message alone."""
    switch(deciding, "weight", lambda message: len(message.body))


def rest() -> None:
    """Do the first portion of long work, and forget what is left."""
    for where in (concluding, editions):
        switch(where, "go_on", lambda *_, **__: None)


def restraint() -> None:
    """Mail a refusal as often as it is asked for."""
    switch(notify, "refusal_of_the_day", lambda request, _: request.notice_id)


GUARDS: dict[str, Callable[[], None]] = {
    guard.__name__: guard
    for guard in (
        *(seats, memory, quarantine, legibility, breaker, fragile, stillborn, progress, isolation, acknowledgement),
        *(confirms, order, bypass, patience, hurry, leave, echoes, keys, farewells, measure, scales, rest, restraint),
        *(revisions, crumbs, moment),
    )
}

if __name__ == "__main__":
    _, guard, module = sys.argv
    GUARDS[guard]()
    runpy.run_module(module, run_name="__main__")
