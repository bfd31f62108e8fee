"""A desk to work at: the command as a person types it, on a place where the three services run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aio_pika
from pymongo import MongoClient
from typer.testing import CliRunner, Result

from cli.app import app
from instroom_contracts import topology
from tests.support.place import Place

PROGRAMMES = Path(__file__).parents[3] / "programmes"
EDITION = "cmo-stamm-participatie-2021"
TIME = "2021-05-20T11:30:00+02:00"


@dataclass(frozen=True)
class Desk:
    """Types commands, and plays the other system that publishes what it likes."""

    place: Place

    @property
    def environment(self) -> dict[str, str]:
        """Return where the servers are, as `.local/stack.env` says it."""
        return {
            "RABBITMQ_URL": self.place.rabbitmq_url_of("integrator"),
            "RABBITMQ_OPERATOR_URL": self.place.rabbitmq_url_of("operator"),
            "MONGO_URL": self.place.mongo_url,
            "MONGO_DATABASE_PREFIX": self.place.name,
            "RABBITMQ_ADMIN_URL": self.administration,
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

    async def publish(self, body: bytes, type: str) -> None:
        """Publish anything at all on the intake."""
        async with await aio_pika.connect(self.place.rabbitmq_url_of("integrator")) as connection:
            channel = await connection.channel()
            intake = await channel.get_exchange(topology.INTAKE, ensure=False)
            await intake.publish(aio_pika.Message(body, content_type="application/cloudevents+json"), type)

    def change(self, service: str, collection: str, change: Mapping[str, Any]) -> None:
        """Change a document behind everybody's back."""
        with MongoClient[dict[str, Any]](self.place.mongo_url) as client:
            client[self.place.database(service)][collection].update_one({}, change)

    def forget_answer(self, key: str) -> None:
        """Leave a request's record as releases left it that kept no answers."""
        with MongoClient[dict[str, Any]](self.place.mongo_url) as client:
            inbox = client[self.place.database("enrolment")]["inbox"]
            assert inbox.update_one({"_id": key}, {"$unset": {"answer": ""}}).modified_count == 1
