"""Fixtures for tests on real servers; a test that asks for none starts nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from deploy import settings
from tests.support.mailserver import MailServer, open_mail_server
from tests.support.place import Place, open_place
from tests.support.servers import Servers, open_own_servers, open_servers


def pytest_configure(config: pytest.Config) -> None:
    """Give each worker of a parallel run ports of its own: a free one is not taken before a server starts."""
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        number = int(worker["workerid"].removeprefix("gw"))
        settings._candidates = settings.in_some_order(settings.UNUSUAL[number :: worker["workercount"]])


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Provide RabbitMQ and MongoDB for the whole run; in a parallel one, each worker has its own."""
    with open_servers() as opened:
        yield opened


@pytest.fixture
def place(servers: Servers) -> Iterator[Place]:
    """Provide a virtual host and databases for one test alone."""
    with open_place(servers) as opened:
        yield opened


@pytest.fixture(scope="session")
def fault_servers(request: pytest.FixtureRequest) -> Iterator[Servers]:
    """Provide servers that may be stopped and killed: the run's, where they are ours, else some of our own."""
    shared: Servers = request.getfixturevalue("servers")
    if shared.can_fail:
        yield shared
        return
    with open_own_servers() as opened:
        yield opened


@pytest.fixture
def fault_place(fault_servers: Servers) -> Iterator[Place]:
    """Provide a place for one test that stops and kills servers; they are started again after it."""
    with open_place(fault_servers) as opened:
        yield opened
        for power in (fault_servers.broker.power, fault_servers.database.power):
            assert power is not None
            power.start()


@pytest.fixture
async def mail_server() -> AsyncIterator[MailServer]:
    """Provide a mail server that answers as the test says."""
    async with open_mail_server() as opened:
        yield opened
