"""Accounts on the broker and the database: who there is, with a password of its own, and what each may do.

Passwords are made by chance, once for each stack, and kept in `accounts.json`, which only its owner may read.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

SERVICES = ("catalog", "enrolment", "notification")
ADMIN, INTEGRATOR, OPERATOR, WATCHER = "admin", "integrator", "operator", "watcher"
VHOST = "instroom"
TEMPLATE = Path(__file__).parent / "rabbitmq" / "definitions.json"

Passwords = Mapping[str, str]


def load_passwords(home: Path) -> Passwords:
    """Return the password of every account, by name; each is made once for a home, and kept."""
    file = home / "accounts.json"
    kept: dict[str, str] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    names = (ADMIN, *SERVICES, INTEGRATOR, OPERATOR, WATCHER)
    if missing := {name: secrets.token_urlsafe(24) for name in names if name not in kept}:
        kept |= missing
        write_private(file, json.dumps(kept, indent=2))
    return kept


def broker_url(user: str, passwords: Passwords, host: str, ca: Path | None = None) -> str:
    """Return the AMQP address for an account on this host (host:port); over TLS where a `ca` is to vouch for it."""
    scheme, query = ("amqps", f"?cafile={quote(str(ca))}") if ca else ("amqp", "")
    return f"{scheme}://{user}:{quote(passwords[user], safe='')}@{host}/{VHOST}{query}"


def as_administrator(addresses: Mapping[str, str], passwords: Passwords, management: str) -> dict[str, str]:
    """Return the addresses of a stack as `instroom integrator` needs them: that of the broker's HTTP API besides."""
    account = f"://{ADMIN}:{quote(passwords[ADMIN], safe='')}@"
    return {**addresses, "RABBITMQ_ADMIN_URL": management.replace("://", account, 1)}


def as_operator(addresses: Mapping[str, str]) -> dict[str, str]:
    """Return the addresses of a stack as the `instroom` command needs them for an operator's work."""
    return {**addresses, "RABBITMQ_URL": addresses["RABBITMQ_OPERATOR_URL"]}


def env_text(values: Mapping[str, str]) -> str:
    """Return the text of a file such as `stack.env`: one KEY=value a line."""
    return "".join(f"{key}={value}\n" for key, value in values.items())


def new_key() -> str:
    """Return a key by which servers know each other (MongoDB: 6 to 1024 base64 characters; Erlang: at most 255)."""
    return base64.b64encode(secrets.token_bytes(180)).decode()


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        out.write(text)
    draft.replace(file)


def template() -> dict[str, Any]:
    """Return the broker's definitions as they stand in the repository, without passwords."""
    definitions: dict[str, Any] = json.loads(TEMPLATE.read_text(encoding="utf-8"))
    return definitions


def rabbitmq_definitions(passwords: Passwords) -> dict[str, Any]:
    """Return the broker's definitions with everyone's password, and an administrator, who sets up and no more."""
    definitions = template()
    admin = {"name": ADMIN, "tags": "administrator,impersonator"}  # restores messages with their senders' user_id
    users = [{**user, "password_hash": _hashed(passwords[user["name"]])} for user in (*definitions["users"], admin)]
    everything = {"user": ADMIN, "vhost": VHOST, "configure": ".*", "write": ".*", "read": ".*"}
    return {**definitions, "users": users, "permissions": [*definitions["permissions"], everything]}


def for_the_start(definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is made when all brokers of a cluster are there: the stream gets its members from those."""
    return {section: one for section, one in definitions.items() if section not in {"exchanges", "queues", "bindings"}}


def _hashed(password: str) -> str:
    """Hash as RabbitMQ does by default (salt and SHA-256; its guide "Passwords")."""
    salt = secrets.token_bytes(4)
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def database_of(service: str) -> str:
    """Return the name of a service's own database."""
    return f"instroom_{service}"


def mongo_roles(name: str) -> list[dict[str, str]]:
    """Return the roles of an account on MongoDB: all of one database, or for an operator reading all three."""
    if name == ADMIN:
        return [{"role": "root", "db": "admin"}]
    if name == WATCHER:
        return [{"role": WATCHER_ROLE, "db": "admin"}]
    if name == OPERATOR:
        reading = [{"role": "read", "db": database_of(service)} for service in SERVICES]
        return [*reading, {"role": OPERATOR_ROLE, "db": "admin"}]
    return [{"role": role, "db": database_of(name)} for role in ("readWrite", "dbAdmin")]


OPERATOR_ROLE, WATCHER_ROLE = "instroomOperator", "instroomWatcher"
OPERATED = [
    *((service, kept) for service in SERVICES for kept in ("quarantine", "clock")),
    ("notification", "mails"),
]
"""What an operator changes: messages in quarantine, mails to be sent after all, and clocks that can be set."""


def operator_privileges() -> list[dict[str, Any]]:
    """Return what an operator may write, and nothing else."""
    return [
        {"resource": {"db": database_of(service), "collection": collection}, "actions": ["find", "update"]}
        for service, collection in OPERATED
    ]


WATCHED: list[dict[str, Any]] = [
    {"resource": {"cluster": True}, "actions": ["serverStatus", "replSetGetStatus", "hostInfo"]},
    {"resource": {"db": "admin", "collection": ""}, "actions": ["dbStats"]},
    {"resource": {"db": "local", "collection": "oplog.rs"}, "actions": ["collStats"]},
]
"""What who watches may look at: figures. MongoDB's own role `clusterMonitor` reads the oplog as well."""
