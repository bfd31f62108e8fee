"""A mail server in the test's own event loop that answers as the test says."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Literal

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.support.eventually import eventually


@dataclass(frozen=True)
class Answer:
    """What the server says to one mail: at RCPT or after the final dot; `drop` hangs up there instead of answering."""

    line: str = "250 2.0.0 Taken"
    at: Literal["rcpt", "dot"] = "dot"
    drop: bool = False


TAKEN = Answer()
BUSY = Answer("451 4.3.0 Try again later")
NO_SUCH_MAILBOX = Answer("550 5.1.1 No such mailbox", at="rcpt")
REFUSED = Answer("554 5.7.1 Not wanted here")
SILENCE = Answer(drop=True)
"""Take the mail, then hang up before saying so (RFC 1047)."""


@dataclass(frozen=True)
class Mail:
    """A mail that arrived whole, whatever was answered."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    answer: Answer

    @property
    def message(self) -> EmailMessage:
        """Return the mail, parsed."""
        message = message_from_bytes(self.raw, policy=policy.default)
        assert isinstance(message, EmailMessage)
        return message


@dataclass
class MailServer:
    """Answers each mail with the next of `answers`, and takes it when there are none left.

    Where `holds` names a point, nothing is said there until it is None again; `held` counts who waits.
    """

    answers: deque[Answer] = field(default_factory=deque)
    mails: list[Mail] = field(default_factory=list)
    port: int = 0
    holds: Literal["rcpt", "dot"] | None = None
    held: int = 0

    @property
    def url(self) -> str:
        """Return the server's address."""
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def taken(self) -> list[Mail]:
        """Return the mails that a recipient has now: those answered with 250, and those met with silence."""
        return [mail for mail in self.mails if mail.answer.line.startswith("250")]

    async def handle_RCPT(  # noqa: N802  aiosmtpd's signature
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Refuse a recipient where the next answer says so, else note it."""
        await self._hold("rcpt")
        if self.answers and self.answers[0].at == "rcpt":
            return self.answers.popleft().line
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 Recipient known"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's signature
        """Note a mail and answer it."""
        answer = self.answers.popleft() if self.answers else TAKEN
        content = envelope.original_content or b""
        self.mails.append(Mail(envelope.mail_from or "", tuple(envelope.rcpt_tos), content, answer))
        await self._hold("dot")
        if answer.drop and isinstance(server.transport, asyncio.Transport):
            server.transport.abort()
        return answer.line

    async def _hold(self, point: Literal["rcpt", "dot"]) -> None:
        self.held += 1
        try:
            await eventually(lambda: self.holds != point, within=60)
        finally:
            self.held -= 1


@asynccontextmanager
async def open_mail_server(*, utf8: bool = True) -> AsyncIterator[MailServer]:
    """Serve mail for the length of the block; without `utf8`, for addresses in ASCII only."""
    mail_server = MailServer()
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: SMTP(mail_server, enable_SMTPUTF8=utf8, loop=loop), "127.0.0.1", 0)
    async with listening:
        mail_server.port = listening.sockets[0].getsockname()[1]
        yield mail_server
