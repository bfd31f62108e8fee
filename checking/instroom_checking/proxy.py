"""A broker's address on this machine that leads to the real broker, and sees what passes."""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from instroom_checking.broker import CONNECT_TIMEOUT_S
from instroom_checking.link import HEADER_BYTES, Cut, Link
from instroom_checking.names import Names
from instroom_checking.traffic import Tactics, Traffic
from instroom_checking.trouble import Trouble

PROTOCOL_BYTES = 8
GONE = (OSError, asyncio.IncompleteReadError, TimeoutError)


@dataclass
class Proxy:
    """Takes connections for the broker at `url`, and notes what they carry."""

    url: str
    names: Names
    traffic: Traffic
    tactics: Tactics
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    @asynccontextmanager
    async def listening(self, host: str, port: int) -> AsyncIterator[str]:
        """Listen for as long as the block takes; give the address for the system under test, with its account."""
        try:
            server = await asyncio.start_server(self._serve, host, port)
        except OSError as error:
            raise Trouble(f"{host}:{port} cannot be listened on: {error.strerror}. See --listen.") from error
        try:
            yield self._address(host, int(server.sockets[0].getsockname()[1]))
        finally:
            server.close()
            self.cut()
            await server.wait_closed()

    def cut(self) -> None:
        """Break all connections off."""
        for writer in tuple(self._open):
            writer.transport.abort()
        self.traffic.open_connections.clear()

    def _address(self, host: str, port: int) -> str:
        """Return the broker's address with another host; without TLS, which ends here."""
        parts = urlsplit(self.url)
        account = parts.netloc.rpartition("@")[0]
        return f"amqp://{account}@{host}:{port}{parts.path}" if account else f"amqp://{host}:{port}{parts.path}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = Link(self.names, self.traffic, self.tactics)
        self._open.add(writer)
        try:
            up_reader, up_writer = await self._upstream()
        except GONE:
            writer.transport.abort()
        else:
            self._open.add(up_writer)
            await self._carry(link, (reader, writer), (up_reader, up_writer))
            self._open.discard(up_writer)
        self._open.discard(writer)
        link.close()

    async def _carry(self, link: Link, client: Ends, broker: Ends) -> None:
        """Carry frames both ways until one side ends; what the other still has to say is carried as well."""
        try:
            broker[1].write(await client[0].readexactly(PROTOCOL_BYTES))
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_pump(client[0], broker[1], link.from_client))
                tasks.create_task(_pump(broker[0], client[1], link.from_broker))
        except* Cut:
            for _, writer in (client, broker):
                writer.transport.abort()
        except* GONE:
            pass
        finally:
            for _, writer in (client, broker):
                writer.close()

    async def _upstream(self) -> Ends:
        parts = urlsplit(self.url)
        is_tls = parts.scheme == "amqps"
        authority = parse_qs(parts.query).get("cafile", [None])[0]
        context = ssl.create_default_context(cafile=authority) if is_tls else None
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            return await asyncio.open_connection(
                parts.hostname or "127.0.0.1", parts.port or (5671 if is_tls else 5672), ssl=context
            )


Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: Callable[[bytes], bytes]) -> None:
    """Carry frames one way until that side ends or the other is gone."""
    while True:
        head = await reader.readexactly(HEADER_BYTES)
        rest = await reader.readexactly(struct.unpack(">BHI", head)[2] + 1)
        writer.write(seen(head + rest))
        await writer.drain()
