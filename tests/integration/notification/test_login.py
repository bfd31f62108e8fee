"""Logging in at a real mail server: a password travels over TLS, to whom it is meant for, or not at all."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.compose import certificates
from services.notification.domain.delivery import Outcome
from services.notification.sending import smtp
from services.notification.sending.smtp import Server, SmtpConnection
from tests.integration.notification.test_smtp import MAIL, leave
from tests.support.mailserver import MailServer, open_mail_server


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Provide a folder with an authority and the mail server's certificate."""
    folder = tmp_path_factory.mktemp("certificates")
    certificates.renew(folder, {"mail": ["127.0.0.1"]})
    return folder


@pytest.fixture
async def secured(authority: Path) -> AsyncIterator[MailServer]:
    """Provide a mail server that offers STARTTLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "mail.pem", authority / "mail.key")
    async with open_mail_server(context) as opened:
        yield opened


@pytest.fixture
def trusting(authority: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust the authority, as an operator does whose mail server has a certificate of its own."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority / "ca.pem"))


async def sent(server: MailServer, starttls: smtp.Starttls = "auto") -> Outcome:
    """Log in and send a mail."""
    login = Server("127.0.0.1", server.port, starttls=starttls, username="robin", password="geheim")
    connection = SmtpConnection(replace(login, timeout_s=5.0, dot_timeout_s=5.0))
    outcome = await connection.send(MAIL, leave)
    await connection.hang_up()
    return outcome


@pytest.mark.usefixtures("trusting")
async def test_a_password_travels_over_tls(secured: MailServer) -> None:
    """And then the mail."""
    assert await sent(secured) == Outcome("accepted")
    assert secured.logins == ["geheim"]


@pytest.mark.parametrize("starttls", ["auto", "always", "never"])
async def test_a_server_that_offers_no_tls_gets_no_password(mail_server: MailServer, starttls: smtp.Starttls) -> None:
    """Nor does somebody on the way who takes the offer out: logging in would work."""
    assert await sent(mail_server, starttls) == Outcome("turned-away", "server-unreachable", "not-offered")
    assert not mail_server.logins
    assert not mail_server.mails


async def test_the_twin_that_takes_what_is_offered_gives_its_password_away(
    mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Switched off, the guard of the test above is missed."""
    monkeypatch.setattr(Server, "start_tls", None)
    await sent(mail_server)
    assert mail_server.logins == ["geheim"]


async def test_a_server_that_cannot_prove_its_name_gets_no_password(secured: MailServer) -> None:
    """Its certificate is by nobody whom this machine trusts."""
    assert await sent(secured) == Outcome("turned-away", "server-unreachable", "certificate")
    assert not secured.logins


@pytest.mark.usefixtures("trusting")
async def test_a_server_that_offers_tls_and_refuses_it_gets_no_password(secured: MailServer) -> None:
    """The offer alone is not encryption."""
    secured.refuses["STARTTLS"] = "502 5.5.1 Not today"
    assert await sent(secured) == Outcome("turned-away", "server-unreachable", "turned-away")
    assert not secured.logins


@pytest.mark.usefixtures("trusting")
async def test_a_server_that_refuses_the_password_objects_to_us(secured: MailServer) -> None:
    """It has nothing against the mail."""
    secured.password = "another"
    assert await sent(secured) == Outcome("turned-away", "server-unreachable", "login")
    assert not secured.mails
