"""A mail server that delivers nothing: every mail becomes a file, for a person or a test to read.

Run as `python -m deploy.mail.sink ADDRESS:PORT DIRECTORY ADDRESS:PORT`; at the second address is the page for the
person (`page.py`).
"""

from __future__ import annotations

import asyncio
import signal
import sys
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from threading import Thread

from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy import serving
from deploy.mail import page


class MailSink:
    """Writes each mail to `<time>-<number>.eml`, as it came, under the envelope that it came in (RFC 5321, 4.4)."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._numbers = count(1)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802  aiosmtpd's signature
        """Take one mail."""
        return await self.keep(envelope)

    async def keep(self, envelope: Envelope) -> str:
        """Write one mail; its file appears when it is whole."""
        stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{next(self._numbers):05}"
        lines = [f"Return-Path: <{envelope.mail_from}>", *(f"Delivered-To: {to}" for to in envelope.rcpt_tos)]
        draft = self._directory / f".{stamp}"
        draft.write_bytes("".join(f"{line}\r\n" for line in lines).encode() + (envelope.original_content or b""))
        draft.rename(self._directory / f"{stamp}.eml")
        return "250 2.0.0 Kept"


async def _take_mails(address: str, port: int, directory: Path) -> None:
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    sink = MailSink(directory)
    server = await loop.create_server(lambda: SMTP(sink, enable_SMTPUTF8=True, loop=loop), address, port)
    async with server:
        await stopping.wait()


def main(mails_at: str, directory: Path, page_at: str) -> None:
    """Take mails and show them until SIGTERM."""
    with page.server(*serving.split(page_at), directory) as shown:
        Thread(target=shown.serve_forever, daemon=True).start()
        asyncio.run(_take_mails(*serving.split(mails_at), directory))
        shown.shutdown()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
