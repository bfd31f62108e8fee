"""Each test's own place: tests do not see each other, and leave nothing behind."""

from __future__ import annotations

from typing import Any

import aio_pika
import pytest
from aiormq.exceptions import ChannelNotFoundEntity
from pymongo import MongoClient

from tests.support.place import open_place
from tests.support.servers import Servers

Client = MongoClient[dict[str, Any]]


async def test_two_places_do_not_see_each_other(servers: Servers) -> None:
    """Queues have their names of life, so only the virtual host keeps two tests apart."""
    with open_place(servers) as one, open_place(servers) as other:
        async with await aio_pika.connect(one.rabbitmq_url) as connection:
            await (await connection.channel()).declare_queue("enrolment.example.v1", durable=True)
        async with await aio_pika.connect(other.rabbitmq_url) as connection:
            with pytest.raises(ChannelNotFoundEntity):
                await (await connection.channel()).get_queue("enrolment.example.v1")
        assert one.database("enrolment") != other.database("enrolment")


def test_a_place_goes_with_all_that_is_in_it(servers: Servers) -> None:
    """Hundreds of tests on one server would fill it."""
    management = servers.broker.management
    with open_place(servers) as place, Client(place.mongo_url) as client:
        client[place.database("enrolment")]["pools"].insert_one({"_id": "pool"})
    assert place.name not in {vhost["name"] for vhost in management.call("GET", "vhosts")}
    assert not [user for user in management.call("GET", "users") if user["name"].startswith(place.name)]
    with Client(servers.database.url) as client:
        assert not [name for name in client.list_database_names() if name.startswith(place.name)]
