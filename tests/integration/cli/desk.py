"""A desk to work at: the command as a person types it, on a place where the three services run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import aio_pika
from pymongo import MongoClient
from pymongo.database import Database
from typer.testing import CliRunner, Result

from cli.app import app
from instroom_contracts import topology
from tests.support.place import Place
from tests.support.running import ServiceProcess

Kept = Database[dict[str, Any]]
"""What a service keeps."""
PROGRAMMES = Path(__file__).parents[3] / "programmes"
EDITION = "cmo-stamm-participatie-2021"
TIME = "2021-05-20T11:30:00+02:00"


@dataclass(frozen=True)
class Desk:
    """Types commands, and plays the other system that publishes what it likes."""

    place: Place
    services: Mapping[str, ServiceProcess] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """Return where the servers are, as `.local/stack.env` says it."""
        return {
            "RABBITMQ_URL": self.place.rabbitmq_url_of("integrator"),
            "RABBITMQ_OPERATOR_URL": self.place.rabbitmq_url_of("operator"),
            "MONGO_URL": self.place.mongo_url,
            "MONGO_DATABASE_PREFIX": self.place.name,
            "RABBITMQ_ADMIN_URL": self.administration,
            **{f"{name.upper()}_HEALTH_URL": f"{one.url}/readyz" for name, one in self.services.items()},
        }

    @property
    def administration(self) -> str:
        """Return the address of the broker's HTTP API, with an administrator's account."""
        management = self.place.servers.broker.management
        return management.url.replace("://", f"://{management.user}:{management.password}@")

    def run(self, *arguments: str, stdin: str | None = None, **environment: str) -> Result:
        """Run a command to its end, in a thread: a command has an event loop of its own, and so may the test."""
        env = {**self.environment, **environment}
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(CliRunner().invoke, app, arguments, input=stdin, env=env).result()

    def json(self, *arguments: str) -> Any:
        """Run a command that writes one JSON value."""
        result = self.run(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def request(self, name: str, *more: str) -> Result:
        """Request a place in the plain edition."""
        words = {
            "--edition": EDITION,
            "--name": "Robin Jansen",
            "--email": f"{name}@example.org",
            "--organisation": "Gemeente Voorbeeld",
            "--role": "beleidsmedewerker",
            "--region": "groningen",
            "--time": TIME,
            "--id": name,
        }
        return self.run("request", *(word for pair in words.items() for word in pair), *more)

    async def publish(self, body: bytes, type: str, *, expiration: timedelta | None = None) -> None:
        """Publish anything at all on the intake."""
        await self._publish("integrator", topology.INTAKE, body, type, expiration)

    async def tell(self, fact: Mapping[str, Any]) -> None:
        """Tell a fact as an administrator can, with nobody to ask whether it is so."""
        await self._publish("admin", topology.EVENTS, json.dumps(fact).encode(), fact["type"])

    async def _publish(
        self, account: str, exchange: str, body: bytes, type: str, expiration: timedelta | None = None
    ) -> None:
        async with await aio_pika.connect(self.place.rabbitmq_url_of(account)) as connection:
            channel = await connection.channel()
            target = await channel.get_exchange(exchange, ensure=False)
            message = aio_pika.Message(body, content_type="application/cloudevents+json", expiration=expiration)
            await target.publish(message, type)

    def told(self, *selection: str) -> list[dict[str, Any]]:
        """Return facts from the stream, by the options of `instroom watch`."""
        return [json.loads(line) for line in self.run("watch", "--stop", *selection, "--json").stdout.splitlines()]

    @contextmanager
    def kept(self, service: str) -> Iterator[Kept]:
        """Reach what a service keeps, behind its back."""
        with MongoClient[dict[str, Any]](self.place.mongo_url, tz_aware=True) as client:
            yield client[self.place.database(service)]

    def change(self, service: str, collection: str, change: Mapping[str, Any]) -> None:
        """Change a document behind everybody's back."""
        with self.kept(service) as kept:
            kept[collection].update_one({}, change)

    def forget_answer(self, key: str) -> None:
        """Leave a request's record as releases left it that kept no answers."""
        with self.kept("enrolment") as kept:
            assert kept["inbox"].update_one({"_id": key}, {"$unset": {"answer": ""}}).modified_count == 1
