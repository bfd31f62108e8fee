"""Transactions behave alike on both drivers."""

import pytest
from pymongo.errors import OperationFailure

from chassis.errors import Conflict, Unavailable
from chassis.mongo import SNAPSHOT_GONE, Database, Driver, Mongo, translated


async def test_a_transaction_commits_all_of_its_writes(mongo: Mongo, database: Database) -> None:
    """A decision and its facts stand or fall together."""
    async with mongo.transaction() as session:
        await database["a"].insert_one({"_id": 1}, session=session)
        await database["b"].insert_one({"_id": 1}, session=session)
    assert await database["a"].count_documents({}) == await database["b"].count_documents({}) == 1


async def test_an_error_inside_undoes_all_of_its_writes(mongo: Mongo, database: Database) -> None:
    """Nothing of a failed batch may stay behind."""

    async def fail() -> None:
        async with mongo.transaction() as session:
            await database["a"].insert_one({"_id": 1}, session=session)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await database["a"].count_documents({}) == 0


async def test_of_two_transactions_on_one_document_the_second_conflicts(mongo: Mongo, database: Database) -> None:
    """Two processes on one hot pool: one of them decides again."""
    await database["a"].insert_one({"_id": 1, "n": 0})

    async def come_second() -> None:
        async with mongo.transaction() as session:
            await database["a"].find_one({"_id": 1}, session=session)
            await database["a"].update_one({"_id": 1}, {"$inc": {"n": 1}})
            await database["a"].update_one({"_id": 1}, {"$inc": {"n": 10}}, session=session)

    with pytest.raises(Conflict):
        await come_second()
    assert (await database["a"].find_one({"_id": 1}) or {})["n"] == 1


async def test_what_is_read_in_a_snapshot_is_of_one_moment(mongo: Mongo, database: Database) -> None:
    """What is decided on must have been there, all of it, at some time."""
    await database["a"].insert_one({"_id": 1, "n": 0})
    await database["b"].insert_one({"_id": 1, "n": 0})
    async with mongo.snapshot() as session:
        assert (await database["a"].find_one({"_id": 1}, session=session) or {})["n"] == 0
        for name in ("a", "b"):
            await database[name].update_one({"_id": 1}, {"$set": {"n": 1}})
        assert (await database["b"].find_one({"_id": 1}, session=session) or {})["n"] == 0
    assert (await database["b"].find_one({"_id": 1}) or {})["n"] == 1


async def test_a_moment_that_can_be_read_no_longer_is_a_conflict() -> None:
    """A replica that starts makes an index, and the database no longer shows its collection as it was before."""
    for code in SNAPSHOT_GONE:
        with pytest.raises(Conflict), translated():
            raise OperationFailure("too old", code)


async def test_the_same_id_twice_is_a_conflict(mongo: Mongo, database: Database) -> None:
    """Two processes that got one message: the second finds the first one's decision when it decides again."""

    async def come_second() -> None:
        async with mongo.transaction() as session:
            await database["a"].find_one({"_id": 1}, session=session)
            await database["a"].insert_one({"_id": 1})
            await database["a"].insert_one({"_id": 1}, session=session)

    with pytest.raises(Conflict):
        await come_second()


async def test_a_server_that_is_away_is_unavailable(driver: Driver) -> None:
    """The consumer waits for it, and does not blame a message."""
    away = Mongo("mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200", driver=driver)
    with pytest.raises(Unavailable):
        await away.ping()
    await away.close()
