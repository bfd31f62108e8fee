"""The private servers of a home directory: accounts of the database, and data that outlives ports."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aio_pika
import pytest
from aiormq.exceptions import ChannelPreconditionFailed
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from deploy import accounts, rolling
from deploy.endpoints import Endpoints
from deploy.errors import StackError
from deploy.local.mongodb import MongoDB
from deploy.local.rabbitmq import RabbitMQ
from deploy.observability.database import Figures
from deploy.settings import Ports
from instroom_contracts.digest import MOST_BYTES

Client = MongoClient[dict[str, Any]]
NOT_ALLOWED = "not authorized"


@pytest.fixture(scope="module")
def mongodb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoDB]:
    """Provide a private database server with its accounts."""
    home = tmp_path_factory.mktemp("home")
    server = MongoDB(home, Ports.free(), accounts.load_passwords(home))
    server.start()
    server.wait()
    yield server
    MongoDB(home, server.ports, server.passwords).daemon.kill()


def test_a_service_works_in_its_own_database_only(mongodb: MongoDB) -> None:
    """Each service owns its data; what it needs from others it hears."""
    with Client(mongodb.url("enrolment")) as client:
        client["instroom_enrolment"]["pools"].insert_one({"_id": "pool"})
        with pytest.raises(OperationFailure, match=NOT_ALLOWED):
            client["instroom_notification"]["invitations"].find_one()


def test_an_operator_looks_at_everything_and_mends_the_quarantine(mongodb: MongoDB) -> None:
    """`instroom audit` reads live data; and mends quarantined messages, nothing else here."""
    with Client(mongodb.url(accounts.OPERATOR)) as client:
        for service in accounts.SERVICES:
            database = client[accounts.database_of(service)]
            database["outbox"].find_one()
            database["quarantine"].update_one({"_id": "message"}, {"$set": {"seen": True}})
            with pytest.raises(OperationFailure, match=NOT_ALLOWED):
                database["outbox"].insert_one({"_id": 1})


def test_who_watches_reads_figures_and_no_document(mongodb: MongoDB) -> None:
    """The oplog holds every document that was written; MongoDB's own role for watching reads it."""
    with Client(mongodb.url(accounts.WATCHER)) as client:
        told = {family.name: family.samples[0].value for family in Figures(client).collect()}
        for database, collection in (("local", "oplog.rs"), ("instroom_enrolment", "pools")):
            with pytest.raises(OperationFailure, match=NOT_ALLOWED):
                client[database][collection].find_one()
    assert told["instroom_mongodb_answers"] == told["instroom_mongodb_member_healthy"] == 1
    assert 0 < told["instroom_mongodb_disk_free_bytes"] < told["instroom_mongodb_disk_bytes"]
    assert 0 < told["instroom_mongodb_memory_bytes"] < told["instroom_mongodb_memory_limit_bytes"]
    assert told["instroom_mongodb_oplog_full_ratio"] < 1
    assert told["instroom_mongodb_member_lag_seconds"] == 0


def test_a_database_that_is_away_is_told_and_nothing_else(mongodb: MongoDB) -> None:
    """Old figures would look like a database at rest."""
    port = Ports.free().mongo_port
    with Client(f"mongodb://127.0.0.1:{port}/", serverSelectionTimeoutMS=200) as client:
        (told,) = Figures(client).collect()
    assert (told.name, told.samples[0].value) == ("instroom_mongodb_answers", 0)


def test_the_compressor_that_leaks_memory_is_off(mongodb: MongoDB) -> None:
    """Whoever reaches the port could read passwords and names without one (CVE-2025-14847)."""
    with Client(f"mongodb://127.0.0.1:{mongodb.ports.mongo_port}/", directConnection=True) as client:
        agreed = client.admin.command("hello", compression=["zlib"])
    assert "zlib" not in agreed.get("compression", [])


def test_services_that_cannot_work_side_by_side_are_not_replaced_one_by_one(mongodb: MongoDB) -> None:
    """0.2.0 would write what the database refuses by then; what this release wrote is no reason to stop."""
    endpoints = Endpoints(mongodb.passwords, "", "", f"127.0.0.1:{mongodb.ports.mongo_port}")
    with Client(mongodb.url(accounts.ADMIN)) as client:
        pools = client["instroom_enrolment"]["pools"]
        pools.delete_many({})
        pools.insert_one({"_id": "week-noord/proces", "last": 7})
        rolling.ensure_possible(endpoints)
        pools.insert_one({"_id": "zaal", "seq": 7})
        with pytest.raises(StackError, match="make down"):
            rolling.ensure_possible(endpoints)
        pools.delete_one({"_id": "zaal"})
        rolling.ensure_possible(endpoints)
        client["instroom_notification"]["notices"].insert_many([{"_id": "fence"}, {"_id": "of old"}])
        with pytest.raises(StackError, match="make down"):
            rolling.ensure_possible(endpoints)


def test_nobody_gets_in_without_a_password(mongodb: MongoDB) -> None:
    """Other people work on the same machine."""
    url = f"mongodb://127.0.0.1:{mongodb.ports.mongo_port}/?replicaSet=rs0"
    with Client(url) as client, pytest.raises(OperationFailure, match="requires authentication"):
        client["instroom_enrolment"]["pools"].find_one()


async def test_the_broker_takes_no_message_that_no_service_would_read(tmp_path: Path) -> None:
    """Of 128 MB each, times the prefetch, they would end every service; one that is a little too large is answered."""
    broker = RabbitMQ(tmp_path, Ports.free(), accounts.load_passwords(tmp_path))
    broker.start()
    try:
        broker.wait()
        await takes_so_much_and_no_more(broker.url(accounts.INTEGRATOR))
    finally:
        broker.daemon.kill()


async def takes_so_much_and_no_more(url: str) -> None:
    """Check: twice an event's size passes, one byte more does not."""
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        intake = await channel.get_exchange("instroom.intake")
        await intake.publish(aio_pika.Message(bytes(2 * MOST_BYTES)), "nl.enrolments.nothing.v1", mandatory=False)
        with pytest.raises(ChannelPreconditionFailed, match="larger than"):
            await intake.publish(aio_pika.Message(bytes(2 * MOST_BYTES + 1)), "nl.enrolments.nothing.v1")


def test_data_is_found_again_on_another_port(mongodb: MongoDB) -> None:
    """Who moves a taken port keeps the enrolments; a replica set remembers the port it was founded on."""
    with Client(mongodb.url("catalog")) as client:
        client["instroom_catalog"]["editions"].insert_one({"_id": "kept"})
    mongodb.daemon.kill()
    moved = MongoDB(mongodb.home, Ports.free(), mongodb.passwords)
    moved.start()
    moved.wait()
    with Client(moved.url("catalog")) as client:
        assert client["instroom_catalog"]["editions"].find_one() == {"_id": "kept"}
