"""A mail server in the test's own event loop that answers as the test says."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from ssl import SSLContext
from typing import Any, AnyStr, Literal

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

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

    Where `holds` names a point, nothing is said there until it is None again; `held` counts who waits. `refuses` has
    what is always said to a command, or as `greeting`, instead of going on; `unknown` recipients are always refused.
    `password` is what a login takes, `logins` the passwords that were sent.
    """

    answers: deque[Answer] = field(default_factory=deque)
    mails: list[Mail] = field(default_factory=list)
    port: int = 0
    holds: Literal["rcpt", "dot"] | None = None
    held: int = 0
    refuses: dict[str, str] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    password: str = "geheim"
    logins: list[str] = field(default_factory=list)

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
        if address in self.unknown:
            return NO_SUCH_MAILBOX.line
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

    def login(self, *said: Any) -> AuthResult:
        """Judge a password, and note it."""
        given = said[-1]
        assert isinstance(given, LoginPassword)
        self.logins.append(given.password.decode())
        return AuthResult(success=self.logins[-1] == self.password, handled=False)

    async def _hold(self, point: Literal["rcpt", "dot"]) -> None:
        self.held += 1
        try:
            await eventually(lambda: self.holds != point, within=60)
        finally:
            self.held -= 1


class Conversation(SMTP):
    """One connection: aiosmtpd's, but that whatever the test says is refused."""

    event_handler: MailServer
    greeted = False

    async def push(self, status: AnyStr) -> None:
        """Say something; the first thing is the greeting."""
        refused = None if self.greeted else self.event_handler.refuses.get("greeting")
        self.greeted = True
        await (super().push(refused) if refused else super().push(status))


def _unless_refused(command: str) -> Any:
    async def answer(self: Conversation, arg: str) -> None:
        if line := self.event_handler.refuses.get(command):
            return await self.push(line)
        await getattr(SMTP, f"smtp_{command}")(self, arg)
        return None

    return answer


for _command in ("EHLO", "HELO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA"):
    setattr(Conversation, f"smtp_{_command}", _unless_refused(_command))


@asynccontextmanager
async def open_mail_server(
    tls: SSLContext | None = None, *, utf8: bool = True, port: int = 0
) -> AsyncIterator[MailServer]:
    """Serve mail for the length of the block; with `tls` it offers STARTTLS. It takes a login with or without.

    Without `utf8` it takes addresses in ASCII only. Without `port` it has any that is free.
    """
    mail_server = MailServer()
    loop = asyncio.get_running_loop()
    options: dict[str, Any] = {"enable_SMTPUTF8": utf8, "tls_context": tls, "loop": loop}
    options |= {"auth_require_tls": False, "authenticator": mail_server.login}
    listening = await loop.create_server(lambda: Conversation(mail_server, **options), "127.0.0.1", port)
    async with listening:
        mail_server.port = listening.sockets[0].getsockname()[1]
        yield mail_server
