"""The private servers of a home directory: accounts of the database, and data that outlives ports."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from deploy import accounts
from deploy.local.mongodb import MongoDB
from deploy.local.settings import Ports

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


def test_nobody_gets_in_without_a_password(mongodb: MongoDB) -> None:
    """Other people work on the same machine."""
    url = f"mongodb://127.0.0.1:{mongodb.ports.mongo_port}/?replicaSet=rs0"
    with Client(url) as client, pytest.raises(OperationFailure, match="requires authentication"):
        client["instroom_enrolment"]["pools"].find_one()


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
