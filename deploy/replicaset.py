"""A MongoDB replica set, of one member or more: founded once, with the accounts of all who use it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pymongo import MongoClient
from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError

from deploy import accounts

REPLICA_SET = "rs0"
_AUTHENTICATION_FAILED, _ALREADY_INITIALIZED, _ROLE_EXISTS = 18, 23, 51002
_NOT_YET = {74, 109, 308}
"""A member that cannot be reached, or a change of the set that is not everywhere yet: NodeNotFound,
ConfigurationInProgress, CurrentConfigNotCommittedYet."""
Client = MongoClient[dict[str, Any]]


def database_url(
    user: str,
    passwords: accounts.Passwords,
    host: str,
    options: str = f"replicaSet={REPLICA_SET}",
    ca: Path | None = None,
) -> str:
    """Return the address of the database for an account, on this host (host:port), or on these with commas between.

    It is reached over TLS where a `ca` is to vouch for it.
    """
    secured = f"&tls=true&tlsCAFile={quote(str(ca))}" if ca else ""
    return f"mongodb://{user}:{quote(passwords[user], safe='')}@{host}/?{options}{secured}"


@dataclass(frozen=True)
class ReplicaSet:
    """Servers that are to become one.

    `address` (host:port) is where the first of them is reached from here, which must be its own machine while it has no
    accounts; `members` is how clients reach each of them, the first one first; `wait_until` waits for a condition, and
    raises where that takes too long; `ca` vouches for servers that take TLS.
    """

    address: str
    members: tuple[str, ...]
    passwords: accounts.Passwords
    wait_until: Callable[[Callable[[], bool]], None]
    ca: Path | None = None

    def found(self) -> None:
        """Wait for the servers, and make them a replica set with accounts unless they are one; safe to repeat.

        A set that has fewer members takes the others in.
        """
        self.wait_until(self._answers)
        admin = {"username": accounts.ADMIN, "password": self.passwords[accounts.ADMIN]}
        if not self._admits(**admin):
            self._initiate()
        with self._client(**admin) as client:
            _follow(client, self.members[0])
        self.wait_until(lambda: self._is_complete(**admin))

    def _initiate(self) -> None:
        """Make the replica set and its first account, which mongod allows from its own machine while it has none."""
        config = {"_id": REPLICA_SET, "members": [_member(*numbered) for numbered in enumerate(self.members)]}
        roles = accounts.mongo_roles(accounts.ADMIN)
        with self._client() as client:
            self.wait_until(lambda: _is_done(client, {"replSetInitiate": config}, _ALREADY_INITIALIZED))
            self.wait_until(lambda: bool(client.admin.command("hello")["isWritablePrimary"]))
            client.admin.command({"createUser": accounts.ADMIN, "pwd": self.passwords[accounts.ADMIN], "roles": roles})

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
        return MongoClient(self.address, directConnection=True, **self._common, **options)

    def _whole(self, **options: Any) -> Client:
        return MongoClient(list(self.members), replicaSet=REPLICA_SET, **self._common, **options)

    @property
    def _common(self) -> dict[str, Any]:
        secured: dict[str, Any] = {"tls": True, "tlsCAFile": str(self.ca)} if self.ca else {}
        return {"serverSelectionTimeoutMS": 2000, **secured}

    def _answers(self) -> bool:
        try:
            with self._client() as client:
                client.admin.command("ping")
        except PyMongoError:
            return False
        return True

    def _is_complete(self, **admin: str) -> bool:
        """Take in who is missing and make the accounts; False where no primary answers or a member is not ready."""
        try:
            with self._whole(**admin) as client:
                if not all(_has_joined(client, member) for member in self.members):
                    return False
                _ensure_accounts(client, self.passwords)
        except ConnectionFailure:
            return False
        return True


def _is_done(client: Client, command: dict[str, Any], already: int) -> bool:
    """Run a command; True where that is done now or was before, False where other members are not ready for it."""
    try:
        client.admin.command(command)
    except OperationFailure as failure:
        if failure.code in _NOT_YET:
            return False
        if failure.code != already:
            raise
    return True


def _member(number: int, host: str) -> dict[str, Any]:
    """Describe a member; the first is primary whenever it can, since the host of a compose project reaches that one."""
    return {"_id": number, "host": host, "priority": 1 if number else 2}


def _follow(client: Client, host: str) -> None:
    """Tell the replica set where its member is now: its address may have been changed since the last start."""
    config = client.admin.command("replSetGetConfig")["config"]
    if config["members"][0]["host"] != host:
        config["members"][0]["host"] = host
        client.admin.command({"replSetReconfig": config, "force": True})


def _has_joined(client: Client, host: str) -> bool:
    """Take a member in, unless it is one; False where the set is not ready for it (it takes one at a time)."""
    config = client.admin.command("replSetGetConfig")["config"]
    known = config["members"]
    if host in {member["host"] for member in known}:
        return True
    known[0]["priority"] = 2
    grown = {**config, "version": config["version"] + 1, "members": [*known, _member(len(known), host)]}
    return _is_done(client, {"replSetReconfig": grown}, already=_ALREADY_INITIALIZED)


def _ensure_accounts(client: Client, passwords: accounts.Passwords) -> None:
    """Make the accounts, once."""
    known = {user["user"] for user in client.admin.command("usersInfo")["users"]}
    roles = {accounts.OPERATOR_ROLE: accounts.operator_privileges(), accounts.WATCHER_ROLE: accounts.WATCHED}
    for role, privileges in roles.items():
        _is_done(client, {"createRole": role, "privileges": privileges, "roles": []}, _ROLE_EXISTS)
    for name in (*accounts.SERVICES, accounts.OPERATOR, accounts.WATCHER):
        if name not in known:
            client.admin.command({"createUser": name, "pwd": passwords[name], "roles": accounts.mongo_roles(name)})
