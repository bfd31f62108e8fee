"""One connection to the mail server, and what it means when a mail breaks off.

Before the final dot of a mail its failure is certain and it can be tried again. Between that dot and the server's
answer nobody knows whether the mail was taken (RFC 1047); the caller is asked for leave right before the dot, so that
it can record how far the mail has come.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import aiosmtplib
import structlog
from aiosmtplib.protocol import SMTPProtocol

from chassis.tracing import OFF, Tracer
from instroom_contracts.notification import Failure
from services.notification.domain.delivery import UNKNOWN, Objection, Outcome
from services.notification.writing.mail import Outgoing

log = structlog.get_logger()

Starttls = Literal["auto", "always", "never"]
Leave = Callable[[], Awaitable[bool]]
"""Asked right before the final dot; False means that the mail must not go."""

BROKEN = (aiosmtplib.SMTPException, OSError, TimeoutError)
UNREACHABLE = Outcome("try-later", "server-unreachable")
UNSUPPORTED = Outcome("refused", "address-unsupported")
_LATER, _NEVER = 4, 5
_ANSWERS = {
    2: Outcome("accepted"),
    _LATER: Outcome("try-later", "message-refused"),
    _NEVER: Outcome("refused", "message-refused"),
}
"""What an answer to the final dot means, by its first digit (RFC 5321, section 4.2.1)."""
_STARTTLS = {"auto": None, "always": True, "never": False}
_START_INPUT = 354
_BEYOND_ASCII = ("SMTPUTF8", "BODY=8BITMIME")
"""What MAIL says where an address holds more than ASCII (RFC 6531, section 3.6)."""
_LOGIN_FIRST = (530, 534, 535, 538)
"""What a server says to whoever has not logged in as it wants, whatever they ask for (RFC 4954, section 6)."""
_LEADING_DOT = re.compile(rb"(?m)^\.")


@dataclass(frozen=True)
class Server:
    """Where the mail server is, how to log in, and how long to wait for an answer, in seconds.

    `dot_timeout_s` is the wait after the final dot; RFC 5321 asks for 10 minutes (section 4.5.3.2.6).
    """

    host: str
    port: int
    tls: bool = False
    starttls: Starttls = "auto"
    username: str | None = None
    password: str | None = None
    timeout_s: float = 30.0
    dot_timeout_s: float = 600.0

    @property
    def start_tls(self) -> bool | None:
        """Say whether to ask for TLS on a connection that begins without it; None: where it is offered.

        A password never travels in the open, so who logs in always asks: somebody on the way can hide the offer.
        """
        if self.tls:
            return False
        return True if self.username else _STARTTLS[self.starttls]


class SmtpConnection:
    """A connection that is opened for the first mail and kept for the next ones."""

    def __init__(self, server: Server, tracer: Tracer = OFF) -> None:
        self._server = server
        self._tracer = tracer
        self._client: aiosmtplib.SMTP | None = None

    async def send(self, mail: Outgoing, leave: Leave) -> Outcome:
        """Send one mail; `leave` is asked right before its final dot."""
        with self._tracer.step("smtp", server=(self._server.host, self._server.port)) as step:
            outcome = await self._send(mail, leave)
            if outcome.result != "accepted":
                step.fail(outcome.trouble or outcome.result)
            return outcome

    async def _send(self, mail: Outgoing, leave: Leave) -> Outcome:
        try:
            trouble = await self._up_to_the_dot(mail)
            if trouble is not None:
                return trouble
            if await leave():
                return await self._final_dot()
        except BaseException:
            self.drop()
            raise
        self.drop()
        return Outcome("overtaken")

    async def takes(self, sender: str, recipients: Sequence[str]) -> bool:
        """Ask whether the server would take a mail for each of these, and send none."""
        try:
            client = await self._connected()
            await client.mail(sender)
            for recipient in recipients:
                await client.rcpt(recipient)
            await client.rset()
        except BROKEN:
            self.drop()
            return False
        return True

    async def hang_up(self) -> None:
        """Take leave of the server, if there is a connection."""
        client, self._client = self._client, None
        if client is not None and client.is_connected:
            try:
                await client.quit()
            except BROKEN:
                client.close()

    def drop(self) -> None:
        """Break the connection off; the only way to take back a mail whose text has been sent."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    async def _up_to_the_dot(self, mail: Outgoing) -> Outcome | None:
        """Send everything but the final dot; None when all went well."""
        try:
            client = await self._connected()
        except BROKEN as error:
            log.warning("mail_server_away", error=type(error).__name__, smtp_code=getattr(error, "code", None))
            self.drop()
            return _not_let_in(error)
        try:
            if mail.needs_utf8 and not await _takes_utf8(client):
                return UNSUPPORTED
            await self._text(client, mail)
        except aiosmtplib.SMTPResponseException as error:
            log.info("mail_not_taken", smtp_code=error.code)
            await self._reset(error.code)
            return _not_taken(error)
        except BROKEN:
            self.drop()
            return UNREACHABLE
        return None

    async def _connected(self) -> aiosmtplib.SMTP:
        if self._client is None or not self._client.is_connected:
            self._client = await self._dial()
        return self._client

    async def _dial(self) -> aiosmtplib.SMTP:
        server = self._server
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.tls,
            start_tls=server.start_tls,
            username=server.username,
            password=server.password,
            timeout=server.timeout_s,
        )
        await client.connect()
        return client

    async def _text(self, client: aiosmtplib.SMTP, mail: Outgoing) -> None:
        options, encoding = (_BEYOND_ASCII, "utf-8") if mail.needs_utf8 else ((), "ascii")
        await client.mail(mail.sender, options=options, encoding=encoding)
        await client.rcpt(mail.recipient, encoding=encoding)
        ready = await client.execute_command(b"DATA")
        if ready.code != _START_INPUT:
            raise aiosmtplib.SMTPDataError(ready.code, ready.message)
        _protocol(client).write(_LEADING_DOT.sub(b"..", mail.content))

    async def _final_dot(self) -> Outcome:
        """Send the final dot and wait for the answer; without one nobody knows."""
        try:
            protocol = _protocol(self._client)
            protocol.write(b".\r\n")
        except BROKEN:
            self.drop()
            return UNREACHABLE
        try:
            answer = await protocol.read_response(timeout=self._server.dot_timeout_s)
        except BROKEN:
            self.drop()
            return UNKNOWN
        return replace(_ANSWERS.get(answer.code // 100, UNKNOWN), code=answer.code)

    async def _reset(self, code: int) -> None:
        """Clear the server's mind of a mail that it refused; hang up on one that talks strangely."""
        if code // 100 not in (_LATER, _NEVER) or self._client is None or not self._client.is_connected:
            return self.drop()
        try:
            await self._client.rset()
        except BROKEN:
            self.drop()


async def _takes_utf8(client: aiosmtplib.SMTP) -> bool:
    """Ask whether the server takes addresses with more than ASCII before the '@'; it may be said anew with each TLS."""
    if client.is_ehlo_or_helo_needed:
        await client.ehlo()
    return client.supports_extension("smtputf8")


def _protocol(client: aiosmtplib.SMTP | None) -> SMTPProtocol:
    """Return the connection below aiosmtplib's commands, which send a mail and its dot in one go (record 30)."""
    if client is None or client.protocol is None:
        raise aiosmtplib.SMTPServerDisconnected("Connection lost")
    return client.protocol


def _not_let_in(error: Exception) -> Outcome:
    """Judge why there is no connection: a server that is away is tried later, one that objects to us refuses all."""
    objection, code = _objection(error), getattr(error, "code", None)
    return replace(UNREACHABLE, result="turned-away", code=code, objection=objection) if objection else UNREACHABLE


def _objection(error: Exception) -> Objection | None:
    if isinstance(error, aiosmtplib.SMTPResponseException):
        if error.code // 100 != _NEVER:
            return None
        refuses_login = isinstance(error, aiosmtplib.SMTPAuthenticationError) or error.code in _LOGIN_FIRST
        return "login" if refuses_login else "turned-away"
    if isinstance(error.__cause__ or error, ssl.SSLCertVerificationError):
        return "certificate"
    return None if isinstance(error, OSError | TimeoutError) else "not-offered"


def _not_taken(error: aiosmtplib.SMTPResponseException) -> Outcome:
    """Judge an answer that came before the final dot: final where it begins with a 5 (RFC 5321, section 4.2.1)."""
    if error.code in _LOGIN_FIRST:
        return _not_let_in(error)
    trouble: Failure = "address-refused" if isinstance(error, aiosmtplib.SMTPRecipientRefused) else "message-refused"
    return Outcome("refused" if error.code // 100 == _NEVER else "try-later", trouble, code=error.code)
