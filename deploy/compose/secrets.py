"""Make all secrets of a compose project, once, each in the volume of the one container that may read it.

Run as `python -m deploy.compose.secrets` in a container that has these volumes under /secrets; safe to repeat. What was
made stays; files that follow from it are written anew, so that an upgrade may change them.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from deploy import accounts
from deploy.replicaset import database_url

VOLUMES = Path("/secrets")
OURS, SERVERS = 10001, 999
"""User ids: of our own image, and of RabbitMQ's and MongoDB's official ones."""
BROKER, DATABASE = os.environ.get("BROKER", "rabbitmq:5672"), os.environ.get("DATABASE", "mongodb:27017")
"""Where the servers are in the project's network; the database's members with commas between."""


def main(volumes: Path = VOLUMES) -> None:
    """Write every secret; say so on the first run."""
    is_first = not (volumes / "all" / "accounts.json").exists()
    passwords = accounts.load_passwords(volumes / "all")
    _give(volumes / "rabbitmq" / "definitions.json", json.dumps(accounts.rabbitmq_definitions(passwords)), SERVERS)
    for server, key in (("rabbitmq", ".erlang.cookie"), ("mongodb", "mongod.key")):
        _give(volumes / server / key, _kept(volumes / "all" / key), SERVERS)
    for service in accounts.SERVICES:
        _give(volumes / service / "rabbitmq_url", accounts.broker_url(service, passwords, BROKER), OURS)
        _give(volumes / service / "mongo_url", database_url(service, passwords, DATABASE), OURS)
    _give(volumes / "operator" / "stack.env", _operator_environment(passwords), OURS)
    print("Every account has a password of its own now." if is_first else "The secrets are there.")


def _kept(file: Path) -> str:
    """Return the key by which servers of one kind know each other; made at the first call."""
    if not file.exists():
        accounts.write_private(file, accounts.new_key())
    return file.read_text(encoding="utf-8")


def _operator_environment(passwords: accounts.Passwords) -> str:
    """Return the settings of the `instroom` command in a container of the project."""
    addresses = {
        "RABBITMQ_OPERATOR_URL": accounts.broker_url(accounts.OPERATOR, passwords, BROKER),
        "MONGO_URL": database_url(accounts.OPERATOR, passwords, DATABASE),
        **{f"{service.upper()}_HEALTH_URL": f"http://{service}:8080/readyz" for service in accounts.SERVICES},
    }
    return accounts.env_text(accounts.as_operator(addresses))


def _give(file: Path, text: str, owner: int) -> None:
    """Write a secret that this user alone may read."""
    accounts.write_private(file, text)
    os.chown(file, owner, owner)
    file.parent.chmod(0o755)


if __name__ == "__main__":
    main()
