"""The servers of a test run: those that are named, containers, or private processes, in this order."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import unquote, urlsplit

from deploy import accounts
from deploy.homes import ROOT
from deploy.local.mongodb import MongoDB
from deploy.local.rabbitmq import RabbitMQ
from deploy.settings import Ports
from deploy.web import Management
from tests.support import containers
from tests.support.leftovers import own_home

BROKER_SETTLES_S = 4.0
"""RabbitMQ keeps the register of its quorum queues in a file that is written some 3 s late (Erlang's dets): a queue
declared just before a kill is known afterwards but never finds its leader. No publisher confirm covers that, so it is
not what the fault tests are about."""

SCRATCH = ROOT / ".local" / "tests"


class Power(Protocol):
    """The switch of a server; its data outlives every use of it."""

    def start(self) -> None:
        """Start the server and wait until it works."""

    def stop(self) -> None:
        """Stop the server in good order."""

    def kill(self) -> None:
        """End the server at once, as a power cut would."""


@dataclass(frozen=True)
class Broker:
    """A RabbitMQ: `url` is an administrator's, without a virtual host; `power` is None where it is not ours."""

    url: str
    management: Management
    power: Power | None = None


@dataclass(frozen=True)
class Database:
    """A MongoDB replica set: `url` is an administrator's; `power` is None where it is not ours."""

    url: str
    power: Power | None = None


@dataclass(frozen=True)
class Servers:
    """What a test run works on."""

    broker: Broker
    database: Database

    @property
    def can_fail(self) -> bool:
        """Tell whether a test may stop and kill both."""
        return self.broker.power is not None and self.database.power is not None


@dataclass(frozen=True)
class LocalPower:
    """The switch of a private process; `settle` are the seconds that it is left alone before it is killed."""

    server: RabbitMQ | MongoDB
    settle: float = 0

    def start(self) -> None:
        """Start the process and wait until it works."""
        self.server.start()
        self.server.wait()

    def stop(self) -> None:
        """Stop the process in good order."""
        self.server.daemon.terminate()
        self.server.daemon.join()

    def kill(self) -> None:
        """End the process with SIGKILL."""
        time.sleep(self.settle)
        self.server.daemon.kill()


@contextmanager
def open_servers(environment: Mapping[str, str] = os.environ) -> Iterator[Servers]:
    """Provide the servers of a run, and end those that were started for it."""
    with ExitStack() as stack:
        named_broker, named_database = _named_broker(environment), _named_database(environment)
        if named_broker and named_database:
            yield Servers(named_broker, named_database)
            return
        own = stack.enter_context(_containers() if containers.are_possible() else _processes())
        yield Servers(named_broker or own.broker, named_database or own.database)


@contextmanager
def open_own_servers() -> Iterator[Servers]:
    """Provide servers that tests may stop and kill, whatever the environment names."""
    with open_servers({}) as servers:
        yield servers


def _named_broker(environment: Mapping[str, str]) -> Broker | None:
    url = environment.get("RABBITMQ_URL")
    if not url:
        return None
    parts = urlsplit(url)
    pages = environment.get("RABBITMQ_MANAGEMENT_URL") or f"http://{parts.hostname}:15672"
    management = Management(pages, unquote(parts.username or "guest"), unquote(parts.password or "guest"))
    return Broker(parts._replace(path="", query="").geturl(), management)


def _named_database(environment: Mapping[str, str]) -> Database | None:
    url = environment.get("MONGO_URL")
    return Database(url) if url else None


@contextmanager
def _processes() -> Iterator[Servers]:
    with own_home(SCRATCH) as home:
        ports, passwords = Ports.free(), accounts.load_passwords(home)
        rabbitmq, mongodb = RabbitMQ(home, ports, passwords), MongoDB(home, ports, passwords)
        rabbitmq.start()
        mongodb.start()
        mongodb.wait()
        rabbitmq.wait()
        yield _servers_of(rabbitmq, mongodb)


def _servers_of(rabbitmq: RabbitMQ, mongodb: MongoDB) -> Servers:
    url = rabbitmq.url(accounts.ADMIN).removesuffix(f"/{accounts.VHOST}")
    management = Management(rabbitmq.management_url, accounts.ADMIN, rabbitmq.passwords[accounts.ADMIN])
    broker = Broker(url, management, LocalPower(rabbitmq, BROKER_SETTLES_S))
    return Servers(broker, Database(mongodb.url(accounts.ADMIN), LocalPower(mongodb)))


@contextmanager
def _containers() -> Iterator[Servers]:
    with containers.rabbitmq(BROKER_SETTLES_S) as rabbitmq, containers.mongodb() as mongodb:
        management = Management(rabbitmq.management_url, containers.USER, containers.PASSWORD)
        yield Servers(Broker(rabbitmq.url, management, rabbitmq), Database(mongodb.url, mongodb))
