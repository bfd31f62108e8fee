"""Integrators' accounts on the broker: made, listed and removed through RabbitMQ's HTTP API, with its tag for them."""

from __future__ import annotations

import re
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from cli.integrators.inlets import Inlet, inlets
from cli.integrators.parts import Arguments, Binding, Part
from cli.servers import Servers
from cli.trouble import Exit, Trouble, without_password
from deploy.web import Management
from instroom_contracts import topology

TAG = "integrator"
"""Marks an account that `instroom integrator` made: no other is ever changed."""
ALL = "all"
LIMITS = {"max-connections": 50, "max-channels": 500}
MOST_QUEUES = 20
"""RabbitMQ limits connections and channels by account, and queues for all together (1000): more of one are named."""
NOTHING = "^$"


@dataclass(frozen=True)
class Rights:
    """What an integrator may do: the event types that it publishes and that it reads, or `ALL` of them.

    With a `part` it reads these types of that part of the facts, from an exchange of its own.
    """

    publishes: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    part: Part | None = None

    @property
    def reads_everything(self) -> bool:
        """Say whether it may read every fact, and so the stream."""
        return self.reads == (ALL,) and self.part is None

    def permissions(self, name: str) -> dict[str, str]:
        """Return what it may configure, write and read: queues named `int.<name>.`, and the exchanges that it needs."""
        own = [rf"int\.{re.escape(name)}\..+"] if self.reads else []
        intake = [re.escape(topology.INTAKE)] if self.publishes else []
        facts = [re.escape(self.exchange(name))] if self.reads else []
        whole = [re.escape(topology.STREAM), re.escape(topology.BY_ATTRIBUTE)] if self.reads_everything else []
        return {"configure": _any(own), "write": _any(intake + own), "read": _any(facts + whole + own)}

    def exchange(self, name: str) -> str:
        """Return the exchange that its queues are bound to."""
        return topology.exchange_for(name) if self.part else topology.EVENTS

    def topic_permissions(self, name: str) -> list[dict[str, str]]:
        """Return which types it may publish on the intake, and bind its queues to."""
        readable = {topology.EVENTS: NOTHING, topology.exchange_for(name): NOTHING}
        readable[self.exchange(name)] = _types(self.reads)
        return [
            {"exchange": topology.INTAKE, "write": _types(self.publishes), "read": NOTHING},
            *({"exchange": exchange, "write": NOTHING, "read": types} for exchange, types in readable.items()),
        ]

    def allow(self, name: str, source: str, routing_key: str) -> bool:
        """Say whether a queue of its may be bound there with this key, as the broker would judge it."""
        types = {one["exchange"]: one["read"] for one in self.topic_permissions(name)}
        is_readable = re.search(self.permissions(name)["read"], source) is not None
        return is_readable and re.search(types.get(source, ".*"), routing_key) is not None

    @classmethod
    def of(cls, name: str, topic_permissions: Sequence[dict[str, str]], bound: Mapping[str, Part]) -> Rights:
        """Read them back from what the broker keeps; `bound` are the parts of the integrators that have one."""
        by_exchange = {one["exchange"]: one for one in topic_permissions if one["user"] == name}
        part = bound.get(topology.exchange_for(name))
        intake = by_exchange.get(topology.INTAKE, {})
        facts = by_exchange.get(topology.exchange_for(name) if part else topology.EVENTS, {})
        return cls(_types_in(intake.get("write", NOTHING)), _types_in(facts.get("read", NOTHING)), part)


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

    @classmethod
    def of(cls, servers: Servers, address: str) -> Accounts:
        """Take the address of the HTTP API of these servers' broker."""
        return cls.at(address, urlsplit(servers.operator_broker).path.removeprefix("/"), servers.ca)

    def all(self) -> dict[str, Rights]:
        """Return every integrator by name, with what it may do."""
        topics: list[dict[str, str]] = self._call("GET", f"vhosts/{_quoted(self.vhost)}/topic-permissions")
        users = [user["name"] for user in self._call("GET", "users") if TAG in user["tags"]]
        selecting: dict[str, list[Arguments]] = {}
        for binding in self._bindings():
            if binding["source"] == topology.BY_ATTRIBUTE and binding["destination_type"] == "exchange":
                selecting.setdefault(binding["destination"], []).append(binding["arguments"])
        parts = {exchange: Part.of(bindings) for exchange, bindings in selecting.items()}
        return {name: Rights.of(name, topics, parts) for name in sorted(users)}

    def ensure(self, name: str, rights: Rights, *, new_password: bool) -> str | None:
        """Make an account, or give one that is there these rights; return its password where it is a new one.

        What it may read no more is taken from its queues: the broker judges a binding when it is made and never again.
        One that read everything is made anew with the password that it has; the broker closes its connections by that.
        """
        kept = self._user(name)
        before = self.all()[name] if kept else Rights()
        password = None if kept and not new_password else secrets.token_urlsafe(24)
        login = {"password": password} if password else {"password_hash": kept["password_hash"]} if kept else {}
        place = f"{_quoted(self.vhost)}/{_quoted(name)}"
        if before.reads_everything and not rights.reads_everything:  # who reads the stream would go on doing so
            self._call("DELETE", f"users/{_quoted(name)}")
        self._call("PUT", f"users/{_quoted(name)}", {**login, "tags": TAG})
        for limit, value in LIMITS.items():
            self._call("PUT", f"user-limits/{_quoted(name)}/{limit}", {"value": value})
        if rights.part:
            self._select(topology.exchange_for(name), rights.part)
        for topic in rights.topic_permissions(name):
            self._call("PUT", f"topic-permissions/{place}", topic)
        self._call("PUT", f"permissions/{place}", rights.permissions(name))
        self._withdraw(name, rights)
        if not rights.part:
            self._remove_exchange(topology.exchange_for(name))
        return password

    def _select(self, exchange: str, part: Part) -> None:
        """Have an exchange get just this part of the facts; what its queues are bound for stays."""
        if not self._has_exchange(topology.BY_ATTRIBUTE):
            raise Trouble(f"{topology.BY_ATTRIBUTE} is not there yet: start the services of this release first.")
        self._call("PUT", f"exchanges/{self._place(exchange)}", {"type": "topic", "durable": True})
        wanted = part.bindings()
        kept = [binding for binding in self._bindings() if binding["destination"] == exchange]
        there = [Binding(one["source"], one["routing_key"], one["arguments"]) for one in kept]
        for binding in wanted:
            if binding not in there:
                between = f"bindings/{_quoted(self.vhost)}/e/{_quoted(binding.source)}/e/{_quoted(exchange)}"
                what = {"routing_key": binding.routing_key, "arguments": binding.arguments}
                self._call("POST", between, what)
        for one, binding in zip(kept, there, strict=True):
            if binding not in wanted:
                self._unbind(one)

    def _withdraw(self, name: str, rights: Rights) -> None:
        """Take what an integrator may not read from whatever it has bound."""
        for binding in self._bindings():
            is_own = binding["destination"].startswith(f"int.{name}.") and binding["source"]
            if is_own and not rights.allow(name, binding["source"], binding["routing_key"]):
                self._unbind(binding)

    def _unbind(self, binding: Mapping[str, Any]) -> None:
        kind = "q" if binding["destination_type"] == "queue" else "e"
        between = f"e/{_quoted(binding['source'])}/{kind}/{_quoted(binding['destination'])}"
        self._call("DELETE", f"bindings/{_quoted(self.vhost)}/{between}/{_quoted(binding['properties_key'])}")

    def _bindings(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._call("GET", f"bindings/{_quoted(self.vhost)}")
        return found

    def remove(self, name: str) -> None:
        """Remove an account where it is there, and the exchange that is its own; the broker closes its connections."""
        if self._user(name):
            self._call("DELETE", f"users/{_quoted(name)}")
        self._remove_exchange(topology.exchange_for(name))

    def _remove_exchange(self, exchange: str) -> None:
        if self._has_exchange(exchange):
            self._call("DELETE", f"exchanges/{self._place(exchange)}")

    def _has_exchange(self, name: str) -> bool:
        return any(exchange["name"] == name for exchange in self._call("GET", f"exchanges/{_quoted(self.vhost)}"))

    def _place(self, name: str) -> str:
        return f"{_quoted(self.vhost)}/{_quoted(name)}"

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

    def crowds(self) -> dict[str, int]:
        """Return how many queues those have who have more than anybody needs."""
        owners = Counter(queue["name"].split(".")[1] for queue in self._queues("int."))
        return {owner: count for owner, count in owners.items() if count > MOST_QUEUES}

    def inlets(self) -> list[Inlet]:
        """Return what leads messages into our exchanges by another way than publishing."""
        exchanges = self._call("GET", f"exchanges/{_quoted(self.vhost)}")
        return inlets(self._bindings(), self._queues("int."), exchanges)

    def close(self, inlet: Inlet) -> None:
        """Take one away: a queue goes with what lies in it, since its setting cannot be changed."""
        if inlet.kind == "binding":
            self._unbind(inlet.described)
        elif inlet.kind == "queue":
            self.remove_queue(inlet.name)
        else:
            self._remove_exchange(inlet.name)

    def remove_queue(self, queue: str) -> None:
        """Remove a queue with what lies in it."""
        self._call("DELETE", f"queues/{_quoted(self.vhost)}/{_quoted(queue)}")

    def require(self, name: str) -> None:
        """Raise `Trouble` where there is no integrator of this name, and nothing that one has left."""
        is_known = self._user(name) is not None
        if not (is_known or self.queues(name) or any(inlet.owner == name for inlet in self.inlets())):
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
