"""The mail sink: what is sent can be read, in the order and under the envelope in which it came."""

from __future__ import annotations

from email import message_from_bytes, policy
from pathlib import Path

from aiosmtpd.smtp import Envelope

from deploy.mail.sink import MailSink


def envelope(subject: str) -> Envelope:
    """Make a mail as a server receives it."""
    received = Envelope()
    received.mail_from = "provider@example.org"
    received.rcpt_tos = ["robin.jansen@example.org"]
    received.original_content = f"Subject: {subject}\r\n\r\nWelkom.\r\n".encode()
    return received


async def test_each_mail_becomes_a_file(tmp_path: Path) -> None:
    """`MAIL_DIR` is the participants' mailbox for whoever tries the system out."""
    sink = MailSink(tmp_path)
    for subject in ("first", "second"):
        assert (await sink.keep(envelope(subject))).startswith("250")
    files = sorted(tmp_path.glob("*.eml"))
    mails = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]
    assert [mail["Subject"] for mail in mails] == ["first", "second"]
    assert mails[0]["Delivered-To"] == "robin.jansen@example.org"
    assert mails[0]["Return-Path"] == "<provider@example.org>"
