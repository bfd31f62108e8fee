"""Integrators' accounts on the broker: made, listed and removed through RabbitMQ's HTTP API, with its tag for them."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from cli.servers import without_password
from cli.trouble import Exit, Trouble
from deploy.local.web import Management
from instroom_contracts import topology

TAG = "integrator"
"""Marks an account that `instroom integrator` made: no other is ever changed."""
ALL = "all"
LIMITS = {"max-connections": 50, "max-channels": 500}
NOTHING = "^$"


@dataclass(frozen=True)
class Rights:
    """What an integrator may do: the event types that it publishes and that it reads, or `ALL` of them."""

    publishes: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()

    def permissions(self, name: str) -> dict[str, str]:
        """Return what it may configure, write and read: queues named `int.<name>.`, and the exchanges that it needs."""
        own = [rf"int\.{re.escape(name)}\..+"] if self.reads else []
        intake = [re.escape(topology.INTAKE)] if self.publishes else []
        events = [re.escape(topology.EVENTS)] if self.reads else []
        stream = [re.escape(topology.STREAM)] if self.reads == (ALL,) else []
        return {"configure": _any(own), "write": _any(intake + own), "read": _any(events + stream + own)}

    def topic_permissions(self) -> list[dict[str, str]]:
        """Return which types it may publish on the intake, and bind its queues to."""
        return [
            {"exchange": topology.INTAKE, "write": _types(self.publishes), "read": NOTHING},
            {"exchange": topology.EVENTS, "write": NOTHING, "read": _types(self.reads)},
        ]

    @classmethod
    def of(cls, topic_permissions: Sequence[dict[str, str]]) -> Rights:
        """Read them back from what the broker keeps."""
        by_exchange = {one["exchange"]: one for one in topic_permissions}
        intake, events = by_exchange.get(topology.INTAKE, {}), by_exchange.get(topology.EVENTS, {})
        return cls(_types_in(intake.get("write", NOTHING)), _types_in(events.get("read", NOTHING)))


def _any(patterns: Sequence[str]) -> str:
    return f"^({'|'.join(patterns)})$" if patterns else NOTHING


def _types(types: Sequence[str]) -> str:
    return ".*" if types == (ALL,) else _any([re.escape(type) for type in types])


def _types_in(pattern: str) -> tuple[str, ...]:
    if pattern == ".*":
        return (ALL,)
    return tuple(re.sub(r"\\(.)", r"\1", part) for part in pattern.strip("^$()").split("|") if part)


@dataclass(frozen=True)
class Accounts:
    """The broker's accounts, as its administrator sees them; `vhost` is where the exchanges are."""

    management: Management
    vhost: str

    @classmethod
    def at(cls, address: str, vhost: str, ca: Path | None) -> Accounts:
        """Take the address of the broker's HTTP API with an administrator's account, and who vouches for it."""
        parts = urlsplit(address)
        url = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        return cls(Management(url, unquote(parts.username or ""), unquote(parts.password or ""), ca), vhost)

    def all(self) -> dict[str, Rights]:
        """Return every integrator by name, with what it may do."""
        topics: list[dict[str, str]] = self._call("GET", f"vhosts/{_quoted(self.vhost)}/topic-permissions")
        users = [user["name"] for user in self._call("GET", "users") if TAG in user["tags"]]
        return {name: Rights.of([topic for topic in topics if topic["user"] == name]) for name in sorted(users)}

    def ensure(self, name: str, rights: Rights, *, new_password: bool) -> str | None:
        """Make an account, or give one that is there these rights; return its password where it is a new one."""
        kept = self._user(name)
        password = None if kept and not new_password else secrets.token_urlsafe(24)
        login = {"password": password} if password else {"password_hash": kept["password_hash"]} if kept else {}
        place = f"{_quoted(self.vhost)}/{_quoted(name)}"
        self._call("PUT", f"users/{_quoted(name)}", {**login, "tags": TAG})
        for limit, value in LIMITS.items():
            self._call("PUT", f"user-limits/{_quoted(name)}/{limit}", {"value": value})
        for topic in rights.topic_permissions():
            self._call("PUT", f"topic-permissions/{place}", topic)
        self._call("PUT", f"permissions/{place}", rights.permissions(name))
        return password

    def remove(self, name: str) -> None:
        """Remove an account; the broker closes its connections."""
        self._call("DELETE", f"users/{_quoted(name)}")

    def queues(self, name: str) -> list[tuple[str, int]]:
        """Return an integrator's queues, with how many messages lie in each."""
        return [(queue["name"], queue.get("messages", 0)) for queue in self._queues(f"int.{name}.")]

    def refusing_queues(self) -> list[str]:
        """Return the queues that make the broker refuse facts once they are full, instead of dropping the oldest."""
        refusing = [queue for queue in self._queues("int.") if "reject" in str(queue["arguments"].get("x-overflow"))]
        return [queue["name"] for queue in refusing]

    def _queues(self, prefix: str) -> list[dict[str, Any]]:
        found = self._call("GET", f"queues/{_quoted(self.vhost)}?disable_stats=true&enable_queue_totals=true")
        return [queue for queue in found if queue["name"].startswith(prefix)]

    def remove_queue(self, queue: str) -> None:
        """Remove a queue with what lies in it."""
        self._call("DELETE", f"queues/{_quoted(self.vhost)}/{_quoted(queue)}")

    def require(self, name: str) -> None:
        """Raise `Trouble` where there is no integrator of this name."""
        if self._user(name) is None:
            raise Trouble(f"There is no integrator '{name}': see `instroom integrator list`.")

    def refuse_others(self, name: str) -> None:
        """Raise `Trouble` where the name is that of another kind of account."""
        self._user(name)

    def _user(self, name: str) -> dict[str, Any] | None:
        """Return what the broker keeps of an integrator; raise `Trouble` where the name is somebody else's."""
        user: dict[str, Any] | None = next((user for user in self._call("GET", "users") if user["name"] == name), None)
        if user and TAG not in user["tags"]:
            raise Trouble(f"'{name}' is an account of another kind on this broker: choose another name.")
        return user

    def _call(self, method: str, path: str, body: object = None) -> Any:
        try:
            return self.management.call(method, path, body)
        except OSError as error:
            server = without_password(self.management.url)
            raise Trouble(f"RabbitMQ's management ({server}): {error}.", Exit.UNREACHABLE) from error


def _quoted(name: str) -> str:
    return quote(name, safe="")
