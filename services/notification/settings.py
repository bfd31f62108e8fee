"""Settings of the notification service, from the environment."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from chassis.settings import ServiceSettings
from services.notification.domain.delivery import Terms
from services.notification.sending.ledger import Leases
from services.notification.sending.sender import Pace
from services.notification.sending.smtp import Server
from services.notification.writing.calendar import Party
from services.notification.writing.composing import MailIdentity

PORTS = {"smtp": 25, "smtps": 465}


class Settings(ServiceSettings):
    """What the notification service needs besides what every service does."""

    smtp_url: SecretStr = Field(description="smtp[s]://[user:password@]host[:port] of the mail server")
    smtp_starttls: Literal["auto", "always", "never"] = Field(
        "auto", description="auto: always where SMTP_URL has a user, else where the server offers it"
    )
    smtp_timeout_s: float = Field(30.0, gt=0, description="wait for an answer to a command")
    smtp_dot_timeout_s: float = Field(600.0, gt=0, description="wait for the answer to a whole mail (RFC 5321: 10 min)")
    mail_domain: str = Field(
        "instroom.example.org", pattern=r"^[A-Za-z0-9.-]+$", description="domain of Message-IDs and calendar UIDs"
    )
    mail_from: str | None = Field(
        None, pattern=r"^[^@\s<>]+@[^@\s<>]+$", description="sender where no provider is known"
    )
    mail_from_name: str = "Inschrijving"
    mail_lines: int = Field(4, ge=1, le=50, description="connections to the mail server at most")
    mail_poll_ms: float = Field(500.0, gt=0, description="how often to look for mails that are due")
    mail_patience_s: float = Field(
        4 * 24 * 3600, ge=0, description="how long a mail is tried before it is given up (RFC 5321: four days or more)"
    )
    mail_first_pause_s: float = Field(30.0, gt=0, description="pause after the first attempt; doubles with each")
    mail_longest_pause_s: float = Field(3600.0, gt=0)
    mail_refusals: int = Field(
        5, ge=2, description="refusals in a row, of different recipients, that are a server which refuses everything"
    )
    mail_daily_cap: int = Field(100, ge=1, description="mails a day to one address; those above it are held")
    mail_claim_s: float = Field(300.0, gt=0, description="how long a sender has a mail before another may take it")

    @field_validator("smtp_url")
    @classmethod
    def _is_a_mail_server(cls, url: SecretStr) -> SecretStr:
        parts = urlsplit(url.get_secret_value())
        if parts.scheme not in PORTS or not parts.hostname:
            raise ValueError("SMTP_URL must look like smtp://host:port or smtps://user:password@host:port")
        return url

    @field_validator("smtp_starttls")
    @classmethod
    def _keeps_the_password_secret(cls, chosen: str, info: ValidationInfo) -> str:
        url = info.data.get("smtp_url")
        parts = urlsplit(url.get_secret_value()) if url else None
        if parts and parts.username and parts.scheme == "smtp" and chosen == "never":
            raise ValueError("SMTP_URL has a password, which travels over TLS only: say smtps://, or leave this out")
        return chosen

    def server(self) -> Server:
        """Return the mail server and how to speak to it."""
        parts = urlsplit(self.smtp_url.get_secret_value())
        return Server(
            host=parts.hostname or "",
            port=parts.port or PORTS[parts.scheme],
            tls=parts.scheme == "smtps",
            starttls=self.smtp_starttls,
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            timeout_s=self.smtp_timeout_s,
            dot_timeout_s=self.smtp_dot_timeout_s,
        )

    def identity(self) -> MailIdentity:
        """Return who writes where no provider is known."""
        address = self.mail_from or f"inschrijving@{self.mail_domain}"
        return MailIdentity(Party(self.mail_from_name, address), self.mail_domain)

    def terms(self) -> Terms:
        """Return how long a mail is tried, and with which pauses."""
        return Terms(
            patience=timedelta(seconds=self.mail_patience_s),
            first_pause=timedelta(seconds=self.mail_first_pause_s),
            longest_pause=timedelta(seconds=self.mail_longest_pause_s),
            domain=self.mail_domain,
            refusals=self.mail_refusals,
            daily_cap=self.mail_daily_cap,
        )

    def leases(self) -> Leases:
        """Return how long a sender's claim lasts."""
        claim = timedelta(seconds=self.mail_claim_s)
        return Leases(before_dot=claim, after_dot=claim + timedelta(seconds=self.smtp_dot_timeout_s))

    def pace(self) -> Pace:
        """Return how many connections send, and how often they look."""
        return Pace(
            connections=self.mail_lines,
            poll_s=self.mail_poll_ms / 1000,
            stop_s=self.graceful_timeout_s,
            leave_s=self.mail_claim_s,
        )
