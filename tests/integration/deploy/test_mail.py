"""The mail sink as a process: what is sent by SMTP can be read in a file and on the page."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.servers import Mail
from deploy.settings import Ports, listens
from deploy.web import page


@pytest.fixture
def mail(tmp_path: Path) -> Iterator[Mail]:
    """Provide a running sink."""
    sink = Mail(tmp_path, Ports.free())
    sink.start()
    sink.wait()
    yield sink
    sink.daemon.kill()


def test_a_mail_is_a_file_and_on_the_page(mail: Mail) -> None:
    """Programs look in the folder, people at the page."""
    with smtplib.SMTP("127.0.0.1", mail.ports.smtp_port) as server:
        server.sendmail("provider@example.org", "robin.jansen@example.org", "Subject: Welkom <b>\r\n\r\nTot dan.\r\n")
    assert len(list(mail.directory.glob("*.eml"))) == 1
    listed = page(mail.page_url).decode()
    assert "robin.jansen@example.org" in listed
    assert "Welkom &lt;b&gt;" in listed


def test_the_sink_ends_when_it_is_asked_to(mail: Mail) -> None:
    """With its page: `make down` waits for it."""
    mail.daemon.terminate()
    mail.daemon.join(within=10)
    assert not listens(mail.ports.mail_page_port)
