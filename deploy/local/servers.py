"""The servers that the services need: a broker, a database and a mail sink, started and stopped together."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from deploy import accounts
from deploy.homes import ROOT
from deploy.local.daemons import Daemon
from deploy.local.mongodb import MongoDB
from deploy.local.rabbitmq import RabbitMQ
from deploy.settings import Ports, listens


@dataclass(frozen=True)
class Mail:
    """The mail sink of one home directory."""

    home: Path
    ports: Ports

    @property
    def daemon(self) -> Daemon:
        """Be `deploy.mail.sink`."""
        return Daemon("mailsink", self.home)

    @property
    def url(self) -> str:
        """Return the address to send mail to."""
        return f"smtp://127.0.0.1:{self.ports.smtp_port}"

    @property
    def page_url(self) -> str:
        """Return the address of the page to read mails on."""
        return f"http://127.0.0.1:{self.ports.mail_page_port}"

    @property
    def directory(self) -> Path:
        """Hold one `.eml` file per mail."""
        return self.home / "mail"

    def start(self) -> None:
        """Start the sink, unless it runs; `wait` waits for it. Raises `PortTaken`."""
        if self.daemon.pid() is not None:
            return
        self.ports.ensure_free("smtp_port", "mail_page_port")
        mails_at, page_at = f"127.0.0.1:{self.ports.smtp_port}", f"127.0.0.1:{self.ports.mail_page_port}"
        command = [sys.executable, "-m", "deploy.mail.sink", mails_at, str(self.directory), page_at]
        self.daemon.start(command, os.environ, cwd=ROOT)

    def wait(self) -> None:
        """Wait until the sink takes mail and shows it."""
        self.daemon.wait_until(lambda: listens(self.ports.smtp_port) and listens(self.ports.mail_page_port))


@dataclass(frozen=True)
class Servers:
    """The three servers of one home directory."""

    home: Path
    ports: Ports
    rabbitmq: RabbitMQ
    mongodb: MongoDB
    mail: Mail

    @classmethod
    def of(cls, home: Path, ports: Ports) -> Self:
        """Return the servers of a home directory; nothing is started yet."""
        home = home.resolve()
        passwords = accounts.load_passwords(home)
        return cls(home, ports, RabbitMQ(home, ports, passwords), MongoDB(home, ports, passwords), Mail(home, ports))

    def start(self) -> None:
        """Start what does not run yet, all at once, and wait until all are ready."""
        servers = (self.rabbitmq, self.mongodb, self.mail)
        for server in servers:
            server.start()
        for server in reversed(servers):
            server.wait()

    def stop(self) -> None:
        """Stop all three and keep their data."""
        stop_all([server.daemon for server in (self.rabbitmq, self.mongodb, self.mail)])


def stop_all(daemons: list[Daemon]) -> None:
    """Ask all of these to stop, then wait for each."""
    for daemon in daemons:
        daemon.terminate()
    for daemon in daemons:
        daemon.join()
