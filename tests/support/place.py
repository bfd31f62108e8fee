"""A test's own place on the servers: a virtual host and a prefix for databases."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pymongo import MongoClient

from deploy import accounts
from tests.support.servers import Servers

_PASSWORD = "of-a-test"


@dataclass(frozen=True)
class Place:
    """Where one test works: nobody else uses this virtual host and these databases."""

    name: str
    servers: Servers

    @property
    def rabbitmq_url(self) -> str:
        """Return the virtual host's address, with an administrator's account."""
        return self.rabbitmq_url_of(accounts.ADMIN)

    def rabbitmq_url_of(self, account: str) -> str:
        """Return its address with the rights that an account has in life: `enrolment`, `integrator`, `operator`..."""
        server = urlsplit(self.servers.broker.url)
        host = server.netloc.rpartition("@")[2]
        return f"{server.scheme}://{self.name}.{account}:{_PASSWORD}@{host}/{self.name}"

    @property
    def mongo_url(self) -> str:
        """Return the database server's address, with an administrator's account."""
        return self.servers.database.url

    def database(self, service: str) -> str:
        """Return the name of a database for a service."""
        return f"{self.name}_{service}"

    def environment(self, service: str) -> dict[str, str]:
        """Return the settings under which a service works here, but for its `HTTP_PORT`."""
        return {
            "RABBITMQ_URL": f"{self.rabbitmq_url_of(service)}?heartbeat=10",
            "MONGO_URL": self.mongo_url,
            "MONGO_DATABASE": self.database(service),
            "OPERATOR_ACCOUNT": f"{self.name}.operator",
            "SHARED_ACCOUNT": f"{self.name}.integrator",
        }


@contextmanager
def open_place(servers: Servers) -> Iterator[Place]:
    """Make a place, and remove it with all that is in it."""
    place = Place(f"test{secrets.token_hex(4)}", servers)
    definitions = _definitions(place.name)
    servers.broker.management.call("POST", "definitions", definitions)
    try:
        yield place
    finally:
        _remove(place, [user["name"] for user in definitions["users"]])


def _definitions(vhost: str) -> dict[str, Any]:
    """Return the definitions of life for another virtual host, with accounts named after it."""
    passwords = dict.fromkeys((accounts.ADMIN, *(user["name"] for user in accounts.template()["users"])), _PASSWORD)
    life = accounts.rabbitmq_definitions(passwords)
    return {section: [_moved(entry, vhost, section) for entry in entries] for section, entries in life.items()}


def _moved(entry: dict[str, Any], vhost: str, section: str) -> dict[str, Any]:
    moved = {"vhost": vhost, "user": f"{vhost}.{entry.get('user')}"}
    if section == "vhosts":
        moved["name"] = vhost
    if section == "users":
        moved["name"] = f"{vhost}.{entry['name']}"
    return {key: moved.get(key, value) for key, value in entry.items()}


def _remove(place: Place, users: list[str]) -> None:
    management = place.servers.broker.management
    management.call("DELETE", f"vhosts/{place.name}")
    management.call("POST", "users/bulk-delete", {"users": users})
    with MongoClient[dict[str, Any]](place.mongo_url) as client:
        for name in client.list_database_names():
            if name.startswith(place.name):
                client.drop_database(name)
