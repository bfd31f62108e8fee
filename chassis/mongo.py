"""The seam to MongoDB: the only module that knows which driver is in use.

Types are those of PyMongo's asynchronous API. Motor has the same calls but for `start_session`, `start_transaction`
and `close`, which are levelled here (docs/decisions/0001-motor.md).
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Literal, TypeVar, cast

import motor.motor_asyncio
import pymongo
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    DuplicateKeyError,
    OperationFailure,
    PyMongoError,
    WriteConcernError,
)
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from chassis.errors import Conflict, Unavailable

T = TypeVar("T")
Driver = Literal["motor", "pymongo"]
Collection = AsyncCollection[dict[str, Any]]
Database = AsyncDatabase[dict[str, Any]]
Transaction = AsyncClientSession
"""What reads and writes belong to: PyMongo's session; on its own it reads, as of one moment."""

COMMIT_DEADLINE_S = 15.0
DUPLICATE_KEY = 11000
SNAPSHOT_GONE = frozenset({239, 246})
"""What a server answers that has not kept a moment so long, or changed an index since."""


class Mongo:
    """A connection to MongoDB, with transactions that behave alike on both drivers."""

    def __init__(self, url: str, *, driver: Driver = "motor") -> None:
        make = motor.motor_asyncio.AsyncIOMotorClient if driver == "motor" else pymongo.AsyncMongoClient
        self._client: Any = make(
            url, tz_aware=True, serverSelectionTimeoutMS=5000, retryWrites=True, maxPoolSize=20, appname="instroom"
        )

    def database(self, name: str) -> Database:
        """Return the database with this name."""
        concerns = {"read_concern": ReadConcern("majority"), "write_concern": WriteConcern("majority")}
        return cast("Database", self._client.get_database(name, **concerns))

    async def ping(self) -> None:
        """Raise `Unavailable` unless a primary answers."""
        with translated():
            await self._client.admin.command("ping")

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Open a transaction on a snapshot; commit it at the end of the block, or abort it on an error.

        Raises `Conflict` where another transaction came first, `Unavailable` where the server is away.
        """
        with translated():
            async with await _settled(self._client.start_session()) as session:
                await _settled(
                    session.start_transaction(
                        read_concern=ReadConcern("snapshot"),
                        write_concern=WriteConcern("majority"),
                        read_preference=pymongo.ReadPreference.PRIMARY,
                    )
                )
                try:
                    yield session
                except BaseException:
                    await session.abort_transaction()
                    raise
                await _commit(session)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Transaction]:
        """Open a session in which everything is read as it was at one moment, the first reading's.

        Raises `Conflict` where that moment can be read no longer, `Unavailable` where the server is away.
        """
        with translated():
            async with await _settled(self._client.start_session(snapshot=True)) as session:
                yield session

    async def close(self) -> None:
        """Close every connection."""
        await _settled(self._client.close())


async def aggregated(database: Database, collection: str, pipeline: list[dict[str, Any]], *, most: int) -> list[Any]:
    """Return what a pipeline gives, `most` documents at most; as a command, which both drivers have alike."""
    done = await database.command({"aggregate": collection, "pipeline": pipeline, "cursor": {"batchSize": most}})
    found: list[Any] = done["cursor"]["firstBatch"]
    return found


async def _settled(result: Awaitable[T] | T) -> T:
    """Await what one driver returns at once and the other as an awaitable."""
    return await result if inspect.isawaitable(result) else result


async def _commit(session: Transaction) -> None:
    """Commit, and again while the server cannot say whether it did (the commit is idempotent)."""
    deadline = time.monotonic() + COMMIT_DEADLINE_S
    while True:
        try:
            return await session.commit_transaction()
        except PyMongoError as error:
            if not error.has_error_label("UnknownTransactionCommitResult") or time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)


@contextmanager
def translated() -> Iterator[None]:
    """Turn the driver's transient errors into `Conflict` and `Unavailable`; others pass as they are."""
    try:
        yield
    except ConnectionFailure as error:
        raise Unavailable(f"MongoDB does not answer: {type(error).__name__}") from error
    except PyMongoError as error:
        if error.has_error_label("TransientTransactionError") or _is_duplicate(error) or _is_too_old(error):
            raise Conflict(f"another process came first: {type(error).__name__}") from error
        if isinstance(error, WriteConcernError) or error.has_error_label("RetryableWriteError"):
            raise Unavailable(f"MongoDB cannot write now: {type(error).__name__}") from error
        raise


def _is_too_old(error: PyMongoError) -> bool:
    return isinstance(error, OperationFailure) and error.code in SNAPSHOT_GONE


def _is_duplicate(error: PyMongoError) -> bool:
    if isinstance(error, BulkWriteError):
        return any(one.get("code") == DUPLICATE_KEY for one in (error.details or {}).get("writeErrors", []))
    return isinstance(error, DuplicateKeyError)
