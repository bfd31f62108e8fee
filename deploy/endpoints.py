"""A stack's servers as its accounts reach them from this machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from deploy import accounts
from deploy.errors import StackError
from deploy.replicaset import REPLICA_SET, database_url
from deploy.web import Management


@dataclass(frozen=True)
class Endpoints:
    """Where the servers are (host:port), and everybody's password; `ca` vouches for servers that take TLS."""

    passwords: accounts.Passwords
    broker: str
    management_url: str
    database: str
    database_options: str = f"replicaSet={REPLICA_SET}"
    ca: Path | None = None

    def broker_url(self, account: str) -> str:
        """Return the AMQP address for an account."""
        return accounts.broker_url(account, self.passwords, self.broker, self.ca)

    def database_url(self, account: str) -> str:
        """Return the address of the database for an account."""
        return database_url(account, self.passwords, self.database, self.database_options, self.ca)

    def administration(self) -> Management:
        """Return the broker's HTTP API with its administrator's account."""
        return Management(self.management_url, accounts.ADMIN, self.passwords[accounts.ADMIN], self.ca)

    def ensure_open(self) -> None:
        """Raise `StackError` where the broker does not let its administrator in: then the stack is not up."""
        self._ask("GET", "overview")

    def renew_definitions(self) -> None:
        """Give the broker the accounts, rights, policies and exchanges of this release; safe to repeat.

        It reads them itself when it starts, in containers but for the exchanges and the stream, and an upgrade does not
        restart it. Raises `StackError`.
        """
        self._ask("POST", "definitions", accounts.rabbitmq_definitions(self.passwords))

    def _ask(self, method: str, path: str, body: object = None) -> None:
        try:
            self.administration().call(method, path, body)
        except OSError as error:
            raise StackError(f"RabbitMQ does not answer as it should: {error}. make up starts the stack.") from error
