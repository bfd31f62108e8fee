"""One place with running services for the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.cli.desk import PROGRAMMES, Desk
from tests.support.place import open_place
from tests.support.running import running
from tests.support.servers import Servers

NO_MAIL_SERVER = {"SMTP_URL": "smtp://127.0.0.1:1", "MAIL_PATIENCE_S": "0"}
"""Every mail fails at once: what the operator's commands are for."""


@pytest.fixture(scope="module")
def desk(servers: Servers) -> Iterator[Desk]:
    """Provide a desk with the five programmes loaded."""
    names = ("catalog", "enrolment", "notification")
    with open_place(servers) as place, running(place, *names, settings=NO_MAIL_SERVER) as services:
        desk = Desk(place, {one.service: one for one in services})
        loaded = desk.run("catalog", "load", str(PROGRAMMES))
        assert loaded.exit_code == 0, loaded.output
        yield desk


@pytest.fixture
def name(desk: Desk, request: pytest.FixtureRequest) -> Iterator[str]:
    """Provide a name that no other test uses: accounts belong to the whole broker."""
    name = f"{desk.place.name}-{abs(hash(request.node.name)) % 10**6}"
    yield name
    desk.run("integrator", "remove", name, "--yes", "--with-queues", "--free-sources")
