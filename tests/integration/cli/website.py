"""Another system with an account of its own, made by `instroom integrator add`."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aio_pika
from aio_pika.abc import AbstractChannel

from instroom_contracts import topology
from instroom_contracts.cloudevent import Wire, encode, new_event
from instroom_contracts.intake import EnrolmentCancellationRequested
from tests.integration.cli.desk import Desk

OWN = "urn:nld:oin:00000001823288444000:systeem:website-{}"


@dataclass(frozen=True)
class Website:
    """Another system with an account of its own, and the source that it speaks for."""

    desk: Desk
    name: str
    url: str

    @property
    def source(self) -> str:
        """Return its own source."""
        return OWN.format(self.name)

    @asynccontextmanager
    async def channel(self) -> AsyncIterator[AbstractChannel]:
        """Open a channel with its account."""
        async with await aio_pika.connect(self.url) as connection:
            yield await connection.channel()

    async def publish(self, wire: Wire, *, exchange: str = topology.INTAKE, user_id: str | None = None) -> None:
        """Publish an event, in the name of a user or of nobody."""
        async with self.channel() as channel:
            to = channel.default_exchange if exchange == "" else await channel.get_exchange(exchange, ensure=False)
            message = aio_pika.Message(wire.body, content_type=wire.content_type, user_id=user_id)
            await to.publish(message, wire.routing_key)

    def asks(self, id: str, source: str | None = None) -> Wire:
        """Ask for an enrolment to be cancelled that does not exist: answered at once, by RequestRefused."""
        data = EnrolmentCancellationRequested(enrolment_id="nothing")
        return encode(new_event(data, source=source or self.source, id=id))


def add(desk: Desk, name: str, *more: str) -> str:
    """Make an account; return its address."""
    result = desk.run("integrator", "add", name, *more, "--json")
    assert result.exit_code == 0, result.output
    return str(json.loads(result.stdout)["url"])
