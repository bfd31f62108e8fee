"""A real mail server, and what each of its answers and silences means."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from services.notification.domain.delivery import Objection, Outcome
from services.notification.sending import smtp
from services.notification.sending.smtp import Server, SmtpConnection
from services.notification.writing.calendar import Party
from services.notification.writing.letters import Rendered
from services.notification.writing.mail import Envelope, Outgoing, outgoing
from tests.support.eventually import eventually
from tests.support.mailserver import (
    BUSY,
    NO_SUCH_MAILBOX,
    REFUSED,
    SILENCE,
    TAKEN,
    Answer,
    MailServer,
    open_mail_server,
)

MAIL = Outgoing("week@vng.example.org", "robin@example.org", b"Subject: x\r\n\r\nBeste,\r\n.\r\n..\r\nTot dan\r\n")
FINE = b"250 fine\r\n"
POLITE = {b"EHLO": FINE, b"MAIL": FINE, b"RCPT": FINE, b"DATA": b"354 go on\r\n"}
UNREACHABLE = Outcome("try-later", "server-unreachable")


async def leave() -> bool:
    """Give leave for the final dot."""
    return True


async def no_leave() -> bool:
    """Refuse leave: something newer is to be sent."""
    return False


def connection_to(server: MailServer) -> SmtpConnection:
    """Open a line to a mail server."""
    return SmtpConnection(Server("127.0.0.1", server.port, timeout_s=5.0, dot_timeout_s=5.0))


async def test_a_mail_arrives_as_it_was_made(mail_server: MailServer) -> None:
    """Also where its lines begin with dots (RFC 5321, section 4.5.2)."""
    connection = connection_to(mail_server)
    assert await connection.send(MAIL, leave) == Outcome("accepted")
    await connection.hang_up()
    (mail,) = mail_server.mails
    assert (mail.sender, mail.recipients, mail.raw) == (MAIL.sender, (MAIL.recipient,), MAIL.content)


BEYOND_ASCII = outgoing(
    Envelope(Party("VNG", "week@vng.example.org"), None, Party("Robin", "ro\u0308bin@faß.example"), "<1@example.org>"),
    Rendered("Uitnodiging", "Beste Robin,", "<p>Beste Robin,</p>"),
    None,
    datetime(2021, 5, 20, tzinfo=UTC),
)


async def test_a_mailbox_beyond_ascii_gets_its_mail(mail_server: MailServer) -> None:
    """Where the server takes such addresses (RFC 6531); the next mail goes over the same connection as ever."""
    connection = connection_to(mail_server)
    assert await connection.send(BEYOND_ASCII, leave) == Outcome("accepted")
    assert await connection.send(MAIL, leave) == Outcome("accepted")
    await connection.hang_up()
    beyond, plain = mail_server.mails
    assert beyond.recipients == ("röbin@xn--fa-hia.example",)
    assert "<röbin@xn--fa-hia.example>".encode() in beyond.raw
    assert plain.recipients == (MAIL.recipient,)


async def test_a_server_that_takes_ascii_only_is_named_as_the_reason() -> None:
    """The participant's address is right; trying again would not help, and the others' mails go on."""
    async with open_mail_server(utf8=False) as mail_server:
        connection = connection_to(mail_server)
        assert await connection.send(BEYOND_ASCII, leave) == Outcome("refused", "address-unsupported")
        assert await connection.send(MAIL, leave) == Outcome("accepted")
        await connection.hang_up()
        assert [mail.recipients for mail in mail_server.mails] == [(MAIL.recipient,)]


async def test_without_asking_the_server_the_mail_is_blamed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The twin: what the server answers to what it does not know says nothing to anybody."""

    async def unasked(_: object) -> bool:
        return True

    monkeypatch.setattr(smtp, "_takes_utf8", unasked)
    async with open_mail_server(utf8=False) as mail_server:
        connection = connection_to(mail_server)
        assert await connection.send(BEYOND_ASCII, leave) == Outcome("refused", "message-refused")
        await connection.hang_up()


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (TAKEN, Outcome("accepted")),
        (BUSY, Outcome("try-later", "message-refused")),
        (REFUSED, Outcome("refused", "message-refused")),
        (NO_SUCH_MAILBOX, Outcome("refused", "address-refused")),
        (Answer("450 4.2.1 Mailbox busy", at="rcpt"), Outcome("try-later", "address-refused")),
        (SILENCE, Outcome("silence", "outcome-unknown")),
        (Answer("no reply code"), Outcome("silence", "outcome-unknown")),
    ],
)
async def test_each_answer_has_one_meaning(mail_server: MailServer, answer: Answer, outcome: Outcome) -> None:
    """4xx: again; 5xx: never again; no answer to the final dot: nobody knows."""
    mail_server.answers.append(answer)
    connection = connection_to(mail_server)
    assert await connection.send(MAIL, leave) == outcome
    await connection.hang_up()


@pytest.mark.parametrize("first", [TAKEN, BUSY, REFUSED, NO_SUCH_MAILBOX, SILENCE])
async def test_the_next_mail_goes_out_whatever_came_of_the_one_before(mail_server: MailServer, first: Answer) -> None:
    """On the same connection where it still stands."""
    mail_server.answers.append(first)
    connection = connection_to(mail_server)
    await connection.send(MAIL, leave)
    assert await connection.send(MAIL, leave) == Outcome("accepted")
    await connection.hang_up()


async def test_a_connection_is_kept_for_the_next_mail(mail_server: MailServer) -> None:
    """Connecting costs more than sending."""
    connection = connection_to(mail_server)
    await connection.send(MAIL, leave)
    first = connection._client
    await connection.send(MAIL, leave)
    assert connection._client is first
    await connection.hang_up()


async def test_without_leave_no_mail_arrives(mail_server: MailServer) -> None:
    """The text was sent, and is taken back by hanging up before the dot (RFC 5321, section 4.1.1.4)."""
    connection = connection_to(mail_server)
    assert await connection.send(MAIL, no_leave) == Outcome("overtaken")
    assert await connection.send(MAIL, leave) == Outcome("accepted")
    await connection.hang_up()
    assert len(mail_server.mails) == 1


async def test_trouble_while_asking_leave_sends_nothing(mail_server: MailServer) -> None:
    """The record could not be written, so the dot must not come."""

    async def away() -> bool:
        raise ConnectionError("MongoDB")

    connection = connection_to(mail_server)
    with pytest.raises(ConnectionError):
        await connection.send(MAIL, away)
    await connection.send(MAIL, leave)
    await connection.hang_up()
    assert len(mail_server.mails) == 1


async def test_a_server_that_is_away_is_tried_later(mail_server: MailServer) -> None:
    """Nothing was sent."""
    nobody = SmtpConnection(Server("127.0.0.1", 1, timeout_s=5.0))
    assert await nobody.send(MAIL, leave) == UNREACHABLE


async def test_a_server_without_the_encryption_we_insist_on_gets_nothing(mail_server: MailServer) -> None:
    """Contact data does not travel in the open where the operator forbids that."""
    connection = SmtpConnection(Server("127.0.0.1", mail_server.port, starttls="always", timeout_s=5.0))
    assert await connection.send(MAIL, leave) == Outcome("turned-away", "server-unreachable", "not-offered")
    assert not mail_server.mails


@pytest.mark.parametrize(
    ("at", "says", "objection"),
    [
        ("greeting", "554 5.7.1 Go away", "turned-away"),
        ("greeting", "521 5.3.2 This host takes no mail", "turned-away"),
        ("EHLO", "550 5.7.1 Your address is listed", "turned-away"),
        ("MAIL", "530 5.7.0 Log in first", "login"),
        ("RCPT", "535 5.7.8 Log in first", "login"),
    ],
)
async def test_a_server_that_objects_to_us_says_nothing_of_the_mail(
    mail_server: MailServer, at: str, says: str, objection: Objection
) -> None:
    """Whoever it was for: there is nothing to hold against the address."""
    mail_server.refuses = {at: says, "HELO": says}
    assert await connection_to(mail_server).send(MAIL, leave) == Outcome("turned-away", "server-unreachable", objection)


@pytest.mark.parametrize(
    ("at", "says", "outcome"),
    [
        ("greeting", "421 4.3.2 Busy", UNREACHABLE),
        ("EHLO", "421 4.3.2 Busy", UNREACHABLE),
        ("MAIL", "550 5.1.8 Sender unknown", Outcome("refused", "message-refused")),
        ("RCPT", "554 5.7.1 Relay access denied", Outcome("refused", "address-refused")),
        ("DATA", "554 5.5.1 No valid recipients", Outcome("refused", "message-refused")),
        ("MAIL", "421 4.7.0 Too many mails", Outcome("try-later", "message-refused")),
    ],
)
async def test_a_server_that_refuses_a_mail_or_is_busy_does_not_object_to_us(
    mail_server: MailServer, at: str, says: str, outcome: Outcome
) -> None:
    """It may be the mail; that it is always so shows only in a row of them."""
    mail_server.refuses = {at: says, "HELO": says}
    connection = connection_to(mail_server)
    assert await connection.send(MAIL, leave) == outcome
    await connection.hang_up()


@dataclass
class Rude:
    """A server that hangs up at the line that begins like this, and never answers a final dot."""

    hangs_up_at: str
    port: int = 0
    answers: dict[bytes, bytes] = field(default_factory=lambda: dict(POLITE))
    received: list[bytes] = field(default_factory=list)
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Speak just enough SMTP."""
        writer.write(b"220 rude\r\n")
        while command := await reader.readline():
            self.received.append(command)
            if command.startswith(self.hangs_up_at.encode()):
                break
            writer.write(self.answers.get(command[:4].upper(), b""))
        writer.transport.abort()
        self.gone.set()


@asynccontextmanager
async def rude(hangs_up_at: str) -> AsyncIterator[Rude]:
    """Run a rude server for the length of the block."""
    server = Rude(hangs_up_at)
    listening = await asyncio.start_server(server.talk, "127.0.0.1", 0)
    async with listening:
        server.port = listening.sockets[0].getsockname()[1]
        yield server
        await server.gone.wait()


@pytest.mark.parametrize("at", ["EHLO", "MAIL", "RCPT", "DATA"])
async def test_a_connection_lost_before_the_text_is_tried_later(at: str) -> None:
    """The mail cannot have been taken."""
    async with rude(at) as server:
        assert await SmtpConnection(Server("127.0.0.1", server.port, timeout_s=5.0)).send(MAIL, leave) == UNREACHABLE


@pytest.mark.parametrize("strange", [b"250 fine\r\n", b"what?\r\n"])
async def test_a_server_that_never_asked_for_the_text_has_not_taken_it(strange: bytes) -> None:
    """Whatever it says, only an answer to the final dot is an answer to the mail."""
    async with rude("never") as server:
        server.answers[b"DATA"] = strange
        connection = SmtpConnection(Server("127.0.0.1", server.port, timeout_s=5.0))
        assert await connection.send(MAIL, leave) == Outcome("try-later", "message-refused")


async def test_a_connection_lost_in_the_text_is_tried_later() -> None:
    """It is seen to be gone before the dot is written, although leave was given."""
    async with rude("Tot dan") as server:
        connection = SmtpConnection(Server("127.0.0.1", server.port, timeout_s=5.0))

        async def leave_after_the_loss() -> bool:
            await server.gone.wait()
            return await eventually(lambda: not (connection._client and connection._client.is_connected))

        assert await connection.send(MAIL, leave_after_the_loss) == UNREACHABLE
    assert b".\r\n" not in server.received


async def test_a_connection_lost_after_the_dot_is_uncertain() -> None:
    """The server had everything; whether it kept it nobody knows."""
    async with rude(".\r\n") as server:
        connection = SmtpConnection(Server("127.0.0.1", server.port, timeout_s=5.0, dot_timeout_s=5.0))
        assert await connection.send(MAIL, leave) == Outcome("silence", "outcome-unknown")


async def test_a_server_that_never_answers_the_dot_is_uncertain() -> None:
    """The wait ends, the doubt does not."""
    async with rude("never") as server:
        connection = SmtpConnection(Server("127.0.0.1", server.port, timeout_s=5.0, dot_timeout_s=0.05))
        assert await connection.send(MAIL, leave) == Outcome("silence", "outcome-unknown")


async def test_the_twin_that_takes_silence_for_failure_sends_twice(
    mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the guard off, silence is tried again, and the participant has two mails."""
    monkeypatch.setattr(smtp, "UNKNOWN", UNREACHABLE)
    mail_server.answers.append(SILENCE)
    connection = connection_to(mail_server)
    while (await connection.send(MAIL, leave)).result == "try-later":
        pass
    await connection.hang_up()
    assert len(mail_server.taken) == 2
