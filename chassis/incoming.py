"""What a broker sends, on its way from the socket to aiormq: nothing passes that could end the connection.

aiormq decodes every frame in the task that reads the connection, so that one message with odd properties, or an odd
routing key, ends the connection for all, comes again first, and ends it again (docs/decisions/0016). It takes a
connection from a `TransportFactory`, which is where this stands. Headers of messages that cannot be read are replaced
(`chassis.properties`); deliveries to consumers of ours do not get to aiormq at all, which costs less besides.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from aiormq.connection import TCPTransportFactory, TLSTransportFactory, TransportFactory
from yarl import URL

from chassis.properties import readable
from instroom_contracts.amqp import DELIVER, with_text

METHOD, HEADER, BODY = 1, 2, 3
CLOSE, CLOSE_OK = b"\0\x14\0\x28", b"\0\x14\0\x29"
END = 0xCE
HEARTBEAT = b"\x08\0\0\0\0\0\0\xce"
BULK_BYTES = 256 * 1024
BEAT_S = 1.0
_FRAME_BYTES = 8
"""What a frame takes besides its payload: type, channel and length before it, a mark behind it."""

_frame = struct.Struct(">BHL")
_tag = struct.Struct(">Q").unpack_from
_size = struct.Struct(">Q").unpack_from


@dataclass(slots=True)
class Arrived:
    """A message as the broker delivered it: the channel's number, the delivery's tag, and what it holds, unread."""

    channel: int
    tag: int
    properties: bytes = b""
    body: bytes = b""


Taker = Callable[[Arrived], None]
Taps = Mapping[bytes, Taker]
"""Who takes the deliveries to a consumer, by its tag; others go to aiormq."""


class Transport(TransportFactory):
    """Opens connections whose bytes are looked through before aiormq gets them."""

    def __init__(self, taps: Taps | None = None) -> None:
        self._taps = taps or {}

    async def create(self, url: URL, **options: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect as aiormq would."""
        inner = TLSTransportFactory() if url.scheme == "amqps" else TCPTransportFactory()
        reader, writer = await inner.create(url, **options)
        return cast("asyncio.StreamReader", Incoming(reader, self._taps)), writer


@dataclass(slots=True)
class _Content:
    """A delivery on its way to who takes it: what has come of it, and how many bytes of its body have not."""

    taker: Taker
    arrived: Arrived
    missing: int = 0
    parts: list[bytes] = field(default_factory=list)


class Incoming:
    """Stands for the stream that aiormq reads: as much of its interface as aiormq uses."""

    def __init__(self, reader: asyncio.StreamReader, taps: Taps) -> None:
        self._reader = reader
        self._taps = taps
        self._rest = b""
        self._ready = b""
        self._at = 0
        self._contents: dict[int, _Content] = {}
        self._beat = 0.0

    def at_eof(self) -> bool:
        """Tell whether all was read and no more will come."""
        return self._at == len(self._ready) and self._reader.at_eof()

    async def readexactly(self, size: int) -> bytes:
        """Return the next bytes of what aiormq is to get."""
        while len(self._ready) - self._at < size:
            data = await self._reader.read(BULK_BYTES)
            if not data:
                raise asyncio.IncompleteReadError(self._ready[self._at :], size)
            self._ready = self._ready[self._at :] + self._passed(self._rest + data)
            self._at = 0
        self._at += size
        return self._ready[self._at - size : self._at]

    def _passed(self, data: bytes) -> bytes:
        """Return what aiormq gets of these frames; the last of them may not be whole and is kept."""
        if data.startswith(b"AMQP"):  # the broker speaks another version: aiormq says so
            return data
        passed: list[bytes] = []
        at = 0
        while (end := _end_of_frame(data, at)) <= len(data):
            frame = self._sorted(data[at:end])
            if frame:
                passed.append(frame)
            at = end
        self._rest = data[at:]
        return b"".join(passed) or self._sign_of_life(at)

    def _sign_of_life(self, seen: int) -> bytes:
        """Return a heartbeat in place of frames that aiormq did not get, else it takes a busy broker for a silent one.

        A broker sends heartbeats of its own only where it sends nothing else.
        """
        now = asyncio.get_running_loop().time()
        if not seen or now - self._beat < BEAT_S:
            return b""
        self._beat = now
        return HEARTBEAT

    def _sorted(self, frame: bytes) -> bytes:
        """Return a frame as aiormq is to get it; nothing where it belongs to a delivery that is taken here."""
        kind, channel, _ = _frame.unpack_from(frame)
        if kind == METHOD:
            return self._method(channel, frame)
        content = self._contents.get(channel)
        if content is None:
            return _readable(frame, channel) if kind == HEADER else frame
        if frame[-1] != END:
            raise ConnectionError("a frame does not end where it should")
        if kind == HEADER:
            content.arrived.properties = frame[19:-1]
            (content.missing,) = _size(frame, 11)
        elif kind == BODY:
            content.parts.append(frame[7:-1])
            content.missing -= len(frame) - _FRAME_BYTES
        if content.missing <= 0:
            del self._contents[channel]
            content.arrived.body = b"".join(content.parts)
            content.taker(content.arrived)
        return b""

    def _method(self, channel: int, frame: bytes) -> bytes:
        method = frame[7:11]
        if method == DELIVER:
            end = 12 + frame[11]
            taker = self._taps.get(frame[12:end])
            if taker is not None:
                self._contents[channel] = _Content(taker, Arrived(channel, _tag(frame, end)[0]))
                return b""
        elif method in (CLOSE, CLOSE_OK):
            self._contents.pop(channel, None)  # the rest of it will not come
        return with_text(frame)


def _end_of_frame(data: bytes, at: int) -> int:
    """Return where the frame ends that begins at `at`; beyond the data where that has not come."""
    if len(data) - at < _FRAME_BYTES:
        return len(data) + 1
    return at + _FRAME_BYTES + int.from_bytes(data[at + 3 : at + 7])


def _readable(frame: bytes, channel: int) -> bytes:
    """Return the frame of a message's header as one that can be read."""
    header = frame[7:-1]
    clean = readable(header)
    return frame if clean is header else _frame.pack(HEADER, channel, len(clean)) + clean + frame[-1:]
