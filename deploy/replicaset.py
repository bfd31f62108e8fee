"""A MongoDB replica set of one member: founded once, with the accounts of all who use it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from deploy import accounts

REPLICA_SET = "rs0"
_AUTHENTICATION_FAILED, _ALREADY_INITIALIZED, _ROLE_EXISTS = 18, 23, 51002
Client = MongoClient[dict[str, Any]]


def database_url(
    user: str,
    passwords: accounts.Passwords,
    host: str,
    options: str = f"replicaSet={REPLICA_SET}",
    ca: Path | None = None,
) -> str:
    """Return the address of the database for an account, on this host (host:port).

    It is reached over TLS where a `ca` is to vouch for it.
    """
    secured = f"&tls=true&tlsCAFile={quote(str(ca))}" if ca else ""
    return f"mongodb://{user}:{quote(passwords[user], safe='')}@{host}/?{options}{secured}"


@dataclass(frozen=True)
class ReplicaSet:
    """A server that is to become one.

    `address` (host:port) is where it is reached from here, which must be its own machine while it has no accounts;
    `member` is how its clients reach it; `wait_until` waits for a condition, and raises where that takes too long;
    `ca` vouches for a server that takes TLS.
    """

    address: str
    member: str
    passwords: accounts.Passwords
    wait_until: Callable[[Callable[[], bool]], None]
    ca: Path | None = None

    def found(self) -> None:
        """Wait for the server, and make it a replica set with accounts unless it is one; safe to repeat."""
        self.wait_until(self._answers)
        admin = {"username": accounts.ADMIN, "password": self.passwords[accounts.ADMIN]}
        if not self._admits(**admin):
            self._initiate()
        with self._client(**admin) as client:
            _follow(client, self.member)
            self._wait_for_primary(client)
            _ensure_accounts(client, self.passwords)

    def _initiate(self) -> None:
        """Make the replica set and its first account, which mongod allows from its own machine while it has none."""
        members = [{"_id": 0, "host": self.member}]
        roles = accounts.mongo_roles(accounts.ADMIN)
        with self._client() as client:
            _tolerating(client, {"replSetInitiate": {"_id": REPLICA_SET, "members": members}}, _ALREADY_INITIALIZED)
            self._wait_for_primary(client)
            client.admin.command({"createUser": accounts.ADMIN, "pwd": self.passwords[accounts.ADMIN], "roles": roles})

    def _wait_for_primary(self, client: Client) -> None:
        self.wait_until(lambda: bool(client.admin.command("hello")["isWritablePrimary"]))

    def _admits(self, **account: str) -> bool:
        try:
            with self._client(**account) as client:
                client.admin.command("ping")
        except OperationFailure as failure:
            if failure.code != _AUTHENTICATION_FAILED:
                raise
            return False
        return True

    def _client(self, **options: Any) -> Client:
        secured: dict[str, Any] = {"tls": True, "tlsCAFile": str(self.ca)} if self.ca else {}
        return MongoClient(self.address, directConnection=True, serverSelectionTimeoutMS=2000, **secured, **options)

    def _answers(self) -> bool:
        try:
            with self._client() as client:
                client.admin.command("ping")
        except PyMongoError:
            return False
        return True


def _tolerating(client: Client, command: dict[str, Any], code: int) -> None:
    try:
        client.admin.command(command)
    except OperationFailure as failure:
        if failure.code != code:
            raise


def _follow(client: Client, host: str) -> None:
    """Tell the replica set where its member is now: its address may have been changed since the last start."""
    config = client.admin.command("replSetGetConfig")["config"]
    if config["members"][0]["host"] != host:
        config["members"][0]["host"] = host
        client.admin.command({"replSetReconfig": config, "force": True})


def _ensure_accounts(client: Client, passwords: accounts.Passwords) -> None:
    """Make the accounts, once."""
    known = {user["user"] for user in client.admin.command("usersInfo")["users"]}
    if accounts.OPERATOR not in known:
        privileges = accounts.operator_privileges()
        _tolerating(client, {"createRole": accounts.OPERATOR_ROLE, "privileges": privileges, "roles": []}, _ROLE_EXISTS)
    for name in (*accounts.SERVICES, accounts.OPERATOR):
        if name not in known:
            client.admin.command({"createUser": name, "pwd": passwords[name], "roles": accounts.mongo_roles(name)})
