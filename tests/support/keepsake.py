"""A stack with a past, as a backup must bring it back: enrolments, an integrator, a request, a dead letter."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aio_pika
from aio_pika.abc import AbstractIncomingMessage
from pymongo import MongoClient

from cli.drafts import request_from
from deploy import accounts
from deploy.homes import ROOT
from deploy.stack import Stack
from instroom_contracts.cloudevent import encode, type_of
from instroom_contracts.enrolment import EnrolmentConfirmed
from instroom_contracts.intake import EnrolmentRequested
from instroom_contracts.topology import EVENTS, INTAKE, STREAM, dead_letter_queue, queue_name
from tests.support.eventually import eventually

INSTROOM = str(ROOT / ".venv/bin/instroom")
SOURCE = "urn:nld:oin:00000001823288444000:systeem:formulier"
OWN_QUEUE = "int.website.answers"
REQUESTS = queue_name("enrolment", type_of(EnrolmentRequested))
DEAD = dead_letter_queue(REQUESTS)
PERSON = {
    "edition": "vng-participatieweek-2021-noord",
    "organisation": "Gemeente Voorbeeld",
    "role": "projectleider",
    "region": "noord",
    "sessions": "participatie-als-proces",
    "time": "2021-05-20T11:30:00+02:00",
}
CHANGING = {"counters", "leases", "outbox", "pools", "sessions", "meetings", "mails"}
"""Collections whose documents change with every request, or with the time."""
Documents = Mapping[str, list[dict[str, Any]]]


def instroom(stack: Stack, *words: str, account: str = "stack") -> subprocess.CompletedProcess[str]:
    """Run the command as an operator on this machine."""
    env_file = stack.env_file.with_name(f"{account}.env")
    return subprocess.run([INSTROOM, "--env-file", str(env_file), *words], capture_output=True, text=True, check=False)


@dataclass(frozen=True)
class Keepsake:
    """What there was when the services had stopped."""

    documents: Documents
    facts: list[tuple[bytes, Mapping[str, Any]]]
    integrator: str
    """The address with which an integrator gets in."""

    @classmethod
    def of(cls, stack: Stack, folder: Path) -> Keepsake:
        """Give a stack a past, and stop its services."""
        enrol(stack, folder, 40)
        integrator = add_integrator(stack)
        asyncio.run(_own_queue(integrator))
        stack.stop_services()
        asyncio.run(_left_waiting(stack, integrator))
        return cls(documents(stack), asyncio.run(facts(stack)), integrator)

    async def is_back(self, stack: Stack) -> None:
        """Assert that all of it is there again, and that the request that waited is decided."""
        await eventually(lambda: self._facts_are_back(stack), within=30)
        now = documents(stack)
        for name, kept in self.documents.items():
            assert [document for document in kept if document not in now[name]] == [], name
        await _answered(self.integrator.rpartition("@")[0] + "@" + stack.endpoints().broker + "/" + accounts.VHOST)
        assert await _dead_letter(stack) == b"nobody could decide this"

    async def _facts_are_back(self, stack: Stack) -> None:
        assert (await facts(stack))[: len(self.facts)] == self.facts


def enrol(stack: Stack, folder: Path, people: int) -> None:
    """Let people enrol, more than there are seats, and wait for the answers."""
    rows = [",".join(("name", "email", *PERSON))]
    rows += [",".join((f"p{n}", f"p{n}@example.org", *PERSON.values())) for n in range(people)]
    file = folder / "people.csv"
    file.write_text("\n".join(rows), encoding="utf-8")
    done = instroom(stack, "request", "--csv", str(file))
    assert done.returncode == 0, done.stdout + done.stderr


def add_integrator(stack: Stack) -> str:
    """Make an integrator's account; return the address with its password."""
    rights = ("--source", SOURCE, "--may-publish", "EnrolmentRequested", "--may-read", "EnrolmentConfirmed")
    done = instroom(stack, "integrator", "add", "website", *rights, account="admin")
    assert done.returncode == 0, done.stderr
    return done.stdout.split("=", 1)[1].splitlines()[0]


def documents(stack: Stack) -> Documents:
    """Return every document of the services' databases that one more request leaves as it is."""
    with MongoClient[dict[str, Any]](stack.endpoints().database_url(accounts.OPERATOR)) as client:
        databases = [client[accounts.database_of(service)] for service in accounts.SERVICES]
        return {
            f"{database.name}.{name}": list(database[name].find())
            for database in databases
            for name in database.list_collection_names()
            if name not in CHANGING
        }


async def facts(stack: Stack) -> list[tuple[bytes, Mapping[str, Any]]]:
    """Return what the stream holds: bodies and headers, in order."""
    found: list[tuple[bytes, Mapping[str, Any]]] = []

    async def note(message: AbstractIncomingMessage) -> None:
        headers = {name: value for name, value in message.headers.items() if name.startswith("ce-")}
        found.append((message.body, headers))
        await message.ack()

    async with await aio_pika.connect(stack.endpoints().broker_url(accounts.ADMIN)) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=500)
        stream = await channel.get_queue(STREAM, ensure=False)
        await stream.consume(note, arguments={"x-stream-offset": "first"})
        count = -1
        while count < len(found):
            count = len(found)
            await asyncio.sleep(2)
    return found


async def _own_queue(integrator: str) -> None:
    async with await aio_pika.connect(integrator) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(OWN_QUEUE, durable=True, arguments={"x-queue-type": "quorum"})
        await queue.bind(EVENTS, type_of(EnrolmentConfirmed))


async def _left_waiting(stack: Stack, integrator: str) -> None:
    """Leave a request of the integrator's in its queue, and a dead letter."""
    person = {**PERSON, "edition": "cmo-stamm-participatie-2021", "region": "groningen", "sessions": ""}
    event = request_from(
        {**person, "role": "beleidsmedewerker", "name": "Robin Jansen", "id": "that-waits"}
        | {"email": "robin@example.org", "source": SOURCE},
        datetime.now(UTC),
    )
    properties = asdict(encode(event))
    routing_key = properties.pop("routing_key")
    async with await aio_pika.connect(integrator) as connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        intake = await channel.get_exchange(INTAKE, ensure=False)
        message = aio_pika.Message(**properties, delivery_mode=2, user_id="website")
        await intake.publish(message, routing_key, mandatory=True)
    async with await aio_pika.connect(stack.endpoints().broker_url(accounts.ADMIN)) as connection:
        channel = await connection.channel()
        await channel.default_exchange.publish(aio_pika.Message(b"nobody could decide this", delivery_mode=2), DEAD)


async def _answered(integrator: str) -> None:
    """Assert that the integrator gets in as before, and finds the answer in its own queue."""
    async with await aio_pika.connect(integrator) as connection:
        channel = await connection.channel()
        queue = await channel.get_queue(OWN_QUEUE, ensure=False)
        heard: list[str] = []

        async def hear() -> None:
            while message := await queue.get(fail=False):
                heard.append(json.loads(message.body)["correlationid"])
                await message.ack()
            assert "that-waits" in heard, heard

        await eventually(hear, within=30)


async def _dead_letter(stack: Stack) -> bytes:
    """Take the dead letter away: the audit reports one."""
    async with await aio_pika.connect(stack.endpoints().broker_url(accounts.ADMIN)) as connection:
        channel = await connection.channel()
        queue = await channel.get_queue(DEAD, ensure=False)
        return (await queue.get(no_ack=True)).body
