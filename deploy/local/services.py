"""The three services as processes of this machine, each with its own accounts, database and HTTP port."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

from deploy import accounts
from deploy.homes import ROOT
from deploy.local.daemons import Daemon
from deploy.local.servers import Servers
from deploy.web import answers_well


@dataclass(frozen=True)
class Service:
    """One service of a home directory."""

    name: str
    servers: Servers

    @property
    def daemon(self) -> Daemon:
        """Be `services.NAME.app`."""
        return Daemon(self.name, self.servers.home)

    @property
    def port(self) -> int:
        """Return the port of its health pages."""
        return int(getattr(self.servers.ports, f"{self.name}_port"))

    @property
    def health_url(self) -> str:
        """Return the page that answers 200 when the service works."""
        return f"http://127.0.0.1:{self.port}/readyz"

    def environment(self) -> dict[str, str]:
        """Return its settings, over what the person's own environment says."""
        return {
            **os.environ,
            "RABBITMQ_URL": f"{self.servers.rabbitmq.url(self.name)}?heartbeat=10",
            "RABBITMQ_MANAGEMENT_URL": self.servers.rabbitmq.management_url,
            "MONGO_URL": self.servers.mongodb.url(self.name),
            "MONGO_DATABASE": accounts.database_of(self.name),
            "SMTP_URL": self.servers.mail.url,
            "CLOCK": self.servers.ports.clock,
            "HTTP_HOST": "127.0.0.1",
            "HTTP_PORT": str(self.port),
        }

    def ensure_startable(self) -> None:
        """Raise `PortTaken` where another program listens on its port."""
        if self.daemon.pid() is None:
            self.servers.ports.ensure_free(f"{self.name}_port")

    def start(self) -> None:
        """Start the service, unless it runs; `wait` waits for it."""
        self.daemon.start([sys.executable, "-m", f"services.{self.name}.app"], self.environment(), cwd=ROOT)

    def wait(self) -> None:
        """Wait until the service works; raise `StartFailed` where it does not come to that."""
        self.daemon.wait_until(self.is_ready)

    def is_ready(self) -> bool:
        """Ask the service whether it works."""
        return answers_well(self.health_url)


def services_of(servers: Servers) -> list[Service]:
    """Return the three services that work on these servers."""
    return [Service(name, servers) for name in accounts.SERVICES]
