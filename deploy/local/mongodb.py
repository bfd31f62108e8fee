"""A private mongod as a one-member replica set, with accounts."""

from __future__ import annotations

import base64
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from deploy.local import accounts
from deploy.local.daemons import Daemon
from deploy.local.settings import Ports, Programs

REPLICA_SET = "rs0"
LIMITS = ("--setParameter", "transactionLifetimeLimitSeconds=5")
"""MongoDB keeps a transaction whose client died for 60 s and up to 30 more; until then nobody else gets at the seats
that it had changed. Ours take a fraction of a second."""
_AUTHENTICATION_FAILED, _ALREADY_INITIALIZED, _ROLE_EXISTS = 18, 23, 51002
Client = MongoClient[dict[str, Any]]


@dataclass(frozen=True)
class MongoDB:
    """The database server of one home directory."""

    home: Path
    ports: Ports
    passwords: accounts.Passwords

    @property
    def daemon(self) -> Daemon:
        """Be mongod."""
        return Daemon("mongod", self.home)

    def url(self, user: str) -> str:
        """Return the address for an account."""
        return f"mongodb://{user}:{self.passwords[user]}@{self._host}/?replicaSet={REPLICA_SET}"

    @property
    def _host(self) -> str:
        return f"127.0.0.1:{self.ports.mongo_port}"

    def start(self) -> None:
        """Start mongod, unless it runs; `wait` waits for it. Raises `PortTaken`."""
        if self.daemon.pid() is not None:
            return
        self.ports.ensure_free("mongo_port")
        data = self.home / "data" / "mongod"
        data.mkdir(parents=True, exist_ok=True)
        key = data.parent / "mongod.key"
        if not key.exists():
            accounts.write_private(key, base64.b64encode(secrets.token_bytes(256)).decode())
        options = {
            "--dbpath": str(data),
            "--bind_ip": "127.0.0.1",
            "--port": str(self.ports.mongo_port),
            "--replSet": REPLICA_SET,
            "--keyFile": str(key),
            "--oplogSize": "512",
            "--wiredTigerCacheSizeGB": "0.5",
            "--setParameter": "diagnosticDataCollectionEnabled=false",
        }
        words = [word for option in options.items() for word in option]
        self.daemon.start(
            [str(Programs().find_mongod()), "--nounixsocket", *words, *LIMITS], {"PATH": os.environ.get("PATH", "")}
        )

    def wait(self) -> None:
        """Wait until mongod takes writes and knows its accounts; raise `StartFailed` where it does not come up."""
        self.daemon.wait_until(self._answers)
        admin = {"username": accounts.ADMIN, "password": self.passwords[accounts.ADMIN]}
        if not self._admits(**admin):
            self._found()
        with self._client(**admin) as client:
            _follow_port(client, self._host)
            self._wait_for_primary(client)
            _ensure_accounts(client, self.passwords)

    def _found(self) -> None:
        """Found the replica set and its first account, which mongod allows from its own machine while it has none."""
        members = [{"_id": 0, "host": self._host}]
        roles = accounts.mongo_roles(accounts.ADMIN)
        with self._client() as client:
            _tolerating(client, {"replSetInitiate": {"_id": REPLICA_SET, "members": members}}, _ALREADY_INITIALIZED)
            self._wait_for_primary(client)
            client.admin.command({"createUser": accounts.ADMIN, "pwd": self.passwords[accounts.ADMIN], "roles": roles})

    def _wait_for_primary(self, client: Client) -> None:
        self.daemon.wait_until(lambda: bool(client.admin.command("hello")["isWritablePrimary"]))

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
        return MongoClient(self._host, directConnection=True, serverSelectionTimeoutMS=2000, **options)

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


def _follow_port(client: Client, host: str) -> None:
    """Tell the replica set where its member is now: its port may have been changed since the last start."""
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
