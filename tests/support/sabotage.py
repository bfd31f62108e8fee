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
from pymongo import DeleteOne, ReplaceOne

from chassis import committer, consumer, deciding, inbox, mongo, relay, service, store
from instroom_contracts.cloudevent import decode
from services.enrolment import schema
from services.enrolment.domain import values
from services.notification import handlers, ledger


def switch(owner: object, name: str, stand_in: object) -> None:
    """Put something else in the place of a part of the system."""
    setattr(owner, name, stand_in)


def seats() -> None:
    """Give seats whether there are any or not."""
    switch(values.Pool, "free", property(lambda _: values.UNLIMITED))
    switch(values.Pool, "capped", lambda pool: replace(pool, limit=None))
    switch(schema, "POOL_GUARD", {})


def memory() -> None:
    """Forget which messages were decided."""

    async def nothing(*_: object) -> None: ...

    switch(deciding.Received, "key", None)
    switch(inbox, "record", nothing)


def quarantine() -> None:
    """Let a message that is no valid event fail as an error would."""

    def strict(raw: Any, hears: Any) -> Any:
        return decode(raw.body, model=hears.model, content_type=raw.content_type, headers=raw.headers)

    switch(consumer, "_event_in", strict)


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


def acknowledgement() -> None:
    """Acknowledge messages when they come instead of when they are committed."""
    take = consumer.Consumer._take

    def acknowledge_first(self: consumer.Consumer, delivery: consumer.Delivery) -> None:
        take(self, delivery)
        task = asyncio.ensure_future(delivery.raw.ack())
        task.add_done_callback(lambda done: done.exception())

    async def nothing(_: consumer.Consumer, __: Sequence[consumer.Delivery]) -> None: ...

    switch(consumer.Consumer, "_take", acknowledge_first)
    switch(consumer.Consumer, "_acknowledge", nothing)


def confirms() -> None:
    """Take facts out of the outbox whether the broker has them or not."""
    publish = relay.Relay._publish

    async def publish_blindly(self: relay.Relay, events: Sequence[Any]) -> tuple[int, None]:
        with suppress(*relay.TROUBLE):
            async with asyncio.timeout(1):
                await publish(self, events)
        return len(events), None

    switch(relay.Relay, "_publish", publish_blindly)


def order() -> None:
    """Tell what waits in the outbox last first."""
    publish = relay.Relay._publish

    async def publish_backwards(self: relay.Relay, events: Sequence[Any]) -> Any:
        return await publish(self, events[::-1])

    switch(relay.Relay, "_publish", publish_backwards)


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
    switch(relay, "CONNECT_TIMEOUT_S", None)
    switch(service, "CONNECT_TIMEOUT_S", None)


def leave() -> None:
    """Send a mail's final dot without recording that it comes next."""

    async def unrecorded(*_: object) -> bool:
        return True

    switch(ledger.MongoLedger, "hand_over", unrecorded)


def restraint() -> None:
    """Mail a refusal as often as it is asked for."""
    switch(handlers, "refusal_of_the_day", lambda request, _: request.notice_id)


GUARDS: dict[str, Callable[[], None]] = {
    guard.__name__: guard
    for guard in (
        seats,
        memory,
        quarantine,
        isolation,
        acknowledgement,
        confirms,
        order,
        patience,
        hurry,
        leave,
        restraint,
    )
}

if __name__ == "__main__":
    _, guard, module = sys.argv
    GUARDS[guard]()
    runpy.run_module(module, run_name="__main__")
