"""The stage of a check: exchanges of its own on the broker, and the address that leads a system under test there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from urllib.parse import unquote, urlsplit

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange
from aiormq.exceptions import ChannelAccessRefused

from instroom_checking.broker import LOST, connected
from instroom_checking.names import Names
from instroom_checking.proxy import Proxy
from instroom_checking.traffic import Tactics, Traffic
from instroom_checking.trouble import Exit, Trouble
from instroom_contracts.cloudevent import Wire

PUBLISH_TIMEOUT_S = 15.0


@dataclass(frozen=True)
class Stage:
    """Where a check takes place; `address` is the broker's for the system under test."""

    account: str
    address: str
    names: Names
    traffic: Traffic
    tactics: Tactics
    proxy: Proxy
    connection: AbstractConnection
    events: AbstractExchange

    async def tell(self, wires: Sequence[Wire]) -> None:
        """Publish facts as Instroom would, where only the system under test hears them; returns once confirmed."""
        for wire in wires:
            properties = asdict(wire)
            routing_key = properties.pop("routing_key")
            message = aio_pika.Message(
                **properties, delivery_mode=aio_pika.DeliveryMode.PERSISTENT, user_id=self.account
            )
            async with asyncio.timeout(PUBLISH_TIMEOUT_S):
                await self.events.publish(message, routing_key)

    async def bind(self, queue: str, types: Sequence[str]) -> None:
        """Set up the queue of a system that finds its queues set up."""
        async with self.connection.channel() as channel:
            own = await channel.declare_queue(
                self.names.queue(queue), durable=True, arguments={"x-queue-type": "quorum", "x-expires": 3_600_000}
            )
            for type in types:
                await own.bind(self.names.events, type)
                self.traffic.bindings.append((queue, type))

    async def purge(self) -> None:
        """Take out of the queues what the system did not get done with, and its connections, so that it can go on."""
        self.proxy.cut()
        for queue in self._queues():
            with suppress(*LOST):
                async with self.connection.channel() as channel:
                    await (await channel.get_queue(queue, ensure=False)).purge()

    async def remove_queues(self) -> None:
        """Remove the queues that the system declared here."""
        for queue in self._queues():
            with suppress(*LOST):
                async with self.connection.channel() as channel:
                    await channel.queue_delete(queue)

    def _queues(self) -> set[str]:
        said = {queue for queue, _ in self.traffic.bindings} | {queue.name for queue in self.traffic.queues}
        return {own for name in said if (own := self.names.queue(name)) != name}


@asynccontextmanager
async def on_stage(url: str, host: str, port: int) -> AsyncIterator[Stage]:
    """Set the stage on the broker at `url`, and listen for the system under test on this machine."""
    account = unquote(urlsplit(url).username or "guest")
    names, traffic, tactics = Names(account), Traffic(), Tactics()
    proxy = Proxy(url, names, traffic, tactics)
    async with connected(url) as connection:
        try:
            await _set_up(await connection.channel(), names)
        except ChannelAccessRefused as error:
            raise Trouble(
                f"The account {account} may not own queues, which a check needs: an operator allows it to read facts"
                " (`instroom integrator add ... --may-read`).",
                Exit.UNREACHABLE,
            ) from error
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        events = await channel.get_exchange(names.events, ensure=False)
        async with proxy.listening(host, port) as address:
            stage = Stage(account, address, names, traffic, tactics, proxy, connection, events)
            try:
                yield stage
            finally:
                proxy.cut()
                await stage.remove_queues()


async def _set_up(channel: AbstractChannel, names: Names) -> None:
    """Declare the exchanges; the broker removes them with the queue, and the queue with this connection."""
    ear = await channel.declare_queue(names.ear, exclusive=True, auto_delete=True, arguments={"x-max-length": 1})
    for name in (names.intake, names.events):
        exchange = await channel.declare_exchange(name, "topic", durable=False, auto_delete=True)
        await ear.bind(exchange, "#")
    by_attribute = await channel.declare_exchange(names.by_attribute, "headers", durable=False, auto_delete=True)
    await by_attribute.bind(names.events, "#")
    await ear.bind(by_attribute, "")
