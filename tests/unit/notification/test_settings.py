"""Settings from the environment, and what they come to."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError

from services.notification.settings import Settings

REQUIRED = {
    "RABBITMQ_URL": "amqp://localhost",
    "MONGO_URL": "mongodb://localhost",
    "MONGO_DATABASE": "instroom_notification",
    "HTTP_PORT": "8003",
    "SMTP_URL": "smtp://mail.example.org:2525",
}


def settings(monkeypatch: pytest.MonkeyPatch, **environment: str) -> Settings:
    """Read the settings from an environment."""
    for name, value in {**REQUIRED, **environment}.items():
        monkeypatch.setenv(name, value)
    return Settings()


def test_a_mail_server_is_named_by_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the usual ports where none is given."""
    server = settings(monkeypatch).server()
    assert (server.host, server.port, server.tls, server.username) == ("mail.example.org", 2525, False, None)
    server = settings(monkeypatch, SMTP_URL="smtps://us%40er:p%2Fw@mail.example.org").server()
    assert (server.port, server.tls, server.username, server.password) == (465, True, "us@er", "p/w")


@pytest.mark.parametrize("url", ["mail.example.org:25", "http://mail.example.org", "smtp://"])
def test_another_address_is_refused_with_an_example(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """The operator reads what it should look like, and no password is repeated."""
    with pytest.raises(ValidationError, match="smtp://host:port"):
        settings(monkeypatch, SMTP_URL=url)


def test_a_password_and_no_encryption_exclude_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever listens on the way would have it; the error names both settings and repeats neither."""
    with_password = "smtp://robin:geheim@mail.example.org"
    with pytest.raises(ValidationError, match="SMTP_URL has a password") as refused:
        settings(monkeypatch, SMTP_URL=with_password, SMTP_STARTTLS="never")
    assert "smtp_starttls" in str(refused.value)
    assert "geheim" not in str(refused.value)
    assert settings(monkeypatch, SMTP_STARTTLS="never").server().start_tls is False
    assert settings(monkeypatch, SMTP_URL=with_password.replace("smtp", "smtps", 1)).server().start_tls is False


@pytest.mark.parametrize(("user", "starttls", "asked"), [("", "auto", None), ("robin:geheim@", "auto", True)])
def test_who_logs_in_always_asks_for_encryption(
    monkeypatch: pytest.MonkeyPatch, user: str, starttls: str, asked: bool | None
) -> None:
    """Without a login, `auto` takes it where it is offered."""
    url = f"smtp://{user}mail.example.org"
    assert settings(monkeypatch, SMTP_URL=url, SMTP_STARTTLS=starttls).server().start_tls is asked


def test_without_a_provider_it_writes_from_the_mail_domain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless an address is given."""
    identity = settings(monkeypatch, MAIL_DOMAIN="mail.example.org").identity()
    assert (identity.party.email, identity.domain) == ("inschrijving@mail.example.org", "mail.example.org")
    assert settings(monkeypatch, MAIL_FROM="balie@example.org").identity().party.email == "balie@example.org"


def test_a_claim_outlasts_the_wait_for_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or another sender would call a mail lost that is still being answered."""
    chosen = settings(monkeypatch, SMTP_DOT_TIMEOUT_S="600", MAIL_CLAIM_S="60")
    assert chosen.leases().after_dot > timedelta(seconds=chosen.server().dot_timeout_s)


def test_a_mail_is_tried_for_four_days_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """As RFC 5321 asks (section 4.5.4.1): a mail server may be away for a long weekend; hourly, it costs little."""
    terms = settings(monkeypatch).terms()
    last = next(attempts for attempts in range(1, 1000) if terms.is_last(attempts))
    tried_for = sum((terms.pause(attempt) for attempt in range(1, last)), timedelta())
    assert timedelta(days=3, hours=23) < tried_for <= timedelta(days=4)
    assert last < 110


def test_attempts_and_pace_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mail servers differ in what they bear."""
    chosen = settings(monkeypatch, MAIL_PATIENCE_S="3", MAIL_FIRST_PAUSE_S="1", MAIL_LINES="2", MAIL_POLL_MS="50")
    assert (chosen.terms().patience, chosen.terms().pause(2)) == (timedelta(seconds=3), timedelta(seconds=2))
    assert (chosen.pace().connections, chosen.pace().poll_s) == (2, 0.05)
