"""Where the measurement takes place: servers, queues, editions that are known, and the programs that are measured."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pymongo import MongoClient

from deploy.settings import Ports
from deploy.web import answers_well
from instroom_contracts import topology as names
from instroom_contracts.catalog import EditionSubmitted
from instroom_contracts.cloudevent import EventData, Wire
from instroom_contracts.intake import EnrolmentRequested
from instroom_contracts.notification import InvitationRequested
from tests.bench import layout
from tests.bench.broker import Broker, connected
from tests.bench.processes import Process, Program, running
from tests.support.mailserver import open_mail_server
from tests.support.place import Place

MAIN_INTAKE: dict[str, type[EventData]] = {
    "catalog": EditionSubmitted,
    "enrolment": EnrolmentRequested,
    "notification": InvitationRequested,
}
"""By service, what it hears most."""
KEEP_EDITIONS = ("enrolment", "notification")

Client = MongoClient[dict[str, object]]


@dataclass(frozen=True)
class Stage:
    """A place of the measurement's own on the servers, the line to its broker, and the folder for logs."""

    place: Place
    broker: Broker
    smtp_url: str
    ports: Ports
    folder: Path

    def service(self, name: str) -> Program:
        """Return a service as an operator starts it, with every setting at its default."""
        port = getattr(self.ports, f"{name}_port")
        env = {**self.place.environment(name), "HTTP_PORT": str(port)}
        mail = {"SMTP_URL": self.smtp_url, "MAIL_DOMAIN": "example.org"} if name == "notification" else {}
        queue = layout.intake(name, MAIN_INTAKE[name])
        return Program(name, f"services.{name}.app", queue, {**env, **mail})

    def reference(self, name: str, queue: str) -> Program:
        """Return a reference consumer."""
        env = {
            "RABBITMQ_URL": self.place.rabbitmq_url,
            "MONGO_URL": self.place.mongo_url,
            "MONGO_DATABASE": self.place.database("textbook"),
        }
        return Program(name, f"tests.bench.{name}", queue, env)

    async def until_ready(self, process: Process) -> None:
        """Wait until a service says that it works."""
        port = process.program.env["HTTP_PORT"]
        await process.until(lambda: answers_well(f"http://127.0.0.1:{port}/readyz"))

    async def publish_editions(self, editions: Sequence[Wire]) -> None:
        """Have the services declare their queues and keep these editions."""
        with ExitStack() as stack, Client(self.place.mongo_url) as mongo:
            processes = [stack.enter_context(running(self.service(name), self.folder)) for name in MAIN_INTAKE]
            for process in processes:
                await self.until_ready(process)
            for edition in editions:
                await self.broker.publish(edition, names.EVENTS)
            for process in processes:
                await process.until(partial(self._keeps, mongo, process.program.name, len(editions)))

    def _keeps(self, mongo: Client, name: str, editions: int) -> bool:
        """Tell whether a service has all editions in its own database, if it is one that hears them."""
        kept = mongo[self.place.database(name)]["editions"]
        return name not in KEEP_EDITIONS or kept.count_documents({}) == editions

    def prepare_textbook(self, editions: Sequence[str]) -> None:
        """Give the textbook consumer its collections, with a pool for each of these editions."""
        with Client(self.place.mongo_url) as mongo:
            database = mongo[self.place.database("textbook")]
            database.create_collection("decisions")
            database["pools"].insert_many([{"_id": edition, "taken": 0} for edition in editions])


@asynccontextmanager
async def open_stage(place: Place, folder: Path) -> AsyncIterator[Stage]:
    """Connect to the place, with a mail server for what the notification service sends."""
    async with connected(place.rabbitmq_url) as broker, open_mail_server() as mail:
        yield Stage(place, broker, mail.url, Ports.free(), folder)
