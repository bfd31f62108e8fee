"""A gate in front of a server: connections pass through it, until it is told to hold them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress


class Gate:
    """Passes connections on to a server (host and port); what it holds is connected, and hears nothing."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._open: set[asyncio.StreamWriter] = set()
        self._holds = False
        self._is_mute = False
        self.held = 0

    def hold(self) -> int:
        """Cut every connection, and hold those that come from now on; return how many were cut."""
        self._holds = True
        return self.cut()

    def cut(self) -> int:
        """Cut every connection, and return how many there were; new ones pass."""
        for writer in self._open:
            writer.close()
        return len(self._open)

    def mute(self) -> None:
        """Lose what clients say from now on, acknowledgements among it; they go on hearing the server."""
        self._is_mute = True

    def let_through(self) -> None:
        """Pass new connections on again; those that are held stay so."""
        self._holds = False

    async def welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a connection."""
        self._open.add(writer)
        try:
            await (self._hold(reader) if self._holds else self._pass_on(reader, writer))
        finally:
            self._open.discard(writer)
            writer.close()

    async def _hold(self, reader: asyncio.StreamReader) -> None:
        self.held += 1
        with suppress(OSError):
            while await reader.read(65536):
                pass

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            inner_reader, inner_writer = await asyncio.open_connection(*self._server)
            said = _copy(reader, inner_writer, unless=lambda: self._is_mute)
            ways = [asyncio.create_task(said), asyncio.create_task(_copy(inner_reader, writer))]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            inner_writer.close()
            await asyncio.gather(*ways)


async def _copy(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, unless: Callable[[], bool] = lambda: False
) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            if not unless():
                writer.write(data)
                await writer.drain()
    writer.close()


@asynccontextmanager
async def open_gate(host: str, port: int) -> AsyncIterator[tuple[Gate, int]]:
    """Open a gate to a server; gives it with the port that it listens on."""
    gate = Gate(host, port)
    listening = await asyncio.start_server(gate.welcome, "127.0.0.1", 0)
    try:
        yield gate, listening.sockets[0].getsockname()[1]
    finally:
        gate.hold()
        listening.close()
