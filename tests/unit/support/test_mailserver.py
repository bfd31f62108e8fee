"""The mail server of the tests answers as real ones do, the silent ones included."""

from __future__ import annotations

import asyncio
import smtplib

import pytest

from tests.support import mailserver
from tests.support.mailserver import MailServer


async def send(server: MailServer) -> None:
    """Send one mail, as a plain client does."""

    def deliver() -> None:
        with smtplib.SMTP("127.0.0.1", server.port, timeout=5) as client:
            client.sendmail("provider@example.org", ["robin.jansen@example.org"], "Subject: Welkom\r\n\r\nTot dan.")

    await asyncio.to_thread(deliver)


async def test_a_mail_is_taken_by_default(mail_server: MailServer) -> None:
    """Most tests want a server that works."""
    await send(mail_server)
    assert [mail.message["Subject"] for mail in mail_server.taken] == ["Welkom"]


async def test_answers_are_given_in_order(mail_server: MailServer) -> None:
    """A server that is busy once and then takes the mail is what a retry is for."""
    mail_server.answers.extend([mailserver.BUSY, mailserver.NO_SUCH_MAILBOX])
    with pytest.raises(smtplib.SMTPDataError, match="451"):
        await send(mail_server)
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        await send(mail_server)
    await send(mail_server)
    assert len(mail_server.taken) == 1


async def test_silence_after_the_dot_leaves_the_sender_in_doubt(mail_server: MailServer) -> None:
    """The recipient has the mail and the sender cannot know."""
    mail_server.answers.append(mailserver.SILENCE)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        await send(mail_server)
    assert len(mail_server.taken) == 1
