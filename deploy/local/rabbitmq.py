"""A private RabbitMQ node, beside any other on the machine: own name, own ports, own data, own cookie."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from deploy import accounts
from deploy.local.daemons import Daemon
from deploy.local.programs import Programs
from deploy.settings import Ports, listens

_CONFIGURATION = """\
listeners.tcp.local = 127.0.0.1:{ports.amqp_port}
management.tcp.ip = 127.0.0.1
management.tcp.port = {ports.management_port}
load_definitions = {definitions}
max_message_size = 131072
vm_memory_high_watermark.absolute = 2GB
disk_free_limit.absolute = 100MB
raft.wal_max_size_bytes = 64000000
log.connection.level = warning
"""


@dataclass(frozen=True)
class RabbitMQ:
    """The broker of one home directory."""

    home: Path
    ports: Ports
    passwords: accounts.Passwords

    @property
    def daemon(self) -> Daemon:
        """Be the Erlang process itself, without a script around it, so that a kill hits the broker."""
        return Daemon("rabbitmq", self.home)

    def url(self, user: str) -> str:
        """Return the AMQP address for an account."""
        return accounts.broker_url(user, self.passwords, f"127.0.0.1:{self.ports.amqp_port}")

    @property
    def management_url(self) -> str:
        """Return the address of the management pages and their HTTP API, without an account."""
        return f"http://127.0.0.1:{self.ports.management_port}"

    def start(self) -> None:
        """Start the node, unless it runs; `wait` waits for it. Raises `PortTaken`."""
        if self.daemon.pid() is not None:
            return
        self.ports.ensure_free("amqp_port", "management_port", "distribution_port")
        data = self.home / "data" / "rabbitmq"
        data.mkdir(parents=True, exist_ok=True)
        definitions = data / "definitions.json"
        accounts.write_private(definitions, json.dumps(accounts.rabbitmq_definitions(self.passwords)))
        (data / "rabbitmq.conf").write_text(
            _CONFIGURATION.format(ports=self.ports, definitions=definitions), encoding="utf-8"
        )
        (data / "plugins").write_text("[rabbitmq_management].\n", encoding="utf-8")
        (data / "rabbitmq-env.conf").touch()
        self.daemon.start([str(Programs().find_rabbitmq())], self._environment(data))

    def tool(self, name: str) -> tuple[list[str], dict[str, str]]:
        """Return a command that speaks to this node, such as `rabbitmqctl`, and the environment it needs."""
        environment = self._environment(self.home / "data" / "rabbitmq")
        return [str(Programs().find_rabbitmq().with_name(name)), "-n", environment["RABBITMQ_NODENAME"]], environment

    def _environment(self, data: Path) -> dict[str, str]:
        name = hashlib.sha256(str(data).encode()).hexdigest()[:12]
        return {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "LANG": "C.UTF-8",
            "HOME": str(data),  # Erlang's cookie is kept there
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_CRASH_DUMP_SECONDS": "0",
            "RUNNING_UNDER_SYSTEMD": "true",  # makes the start script become the broker instead of waiting for it
            "RABBITMQ_NODENAME": f"instroom-{name}@localhost",
            "RABBITMQ_DIST_PORT": str(self.ports.distribution_port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "RABBITMQ_CONF_ENV_FILE": str(data / "rabbitmq-env.conf"),  # empty: the machine's own is not for us
            "RABBITMQ_CONFIG_FILE": str(data / "rabbitmq.conf"),
            "RABBITMQ_CONFIG_FILES": str(data / "conf.d"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(data / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(data / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(data / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.home / "log"),
            "RABBITMQ_LOGS": "-",
        }

    def wait(self) -> None:
        """Wait until the node is up and knows its definitions; raise `StartFailed` where it does not come up."""
        self.daemon.wait_until(self._is_ready)

    def _is_ready(self) -> bool:
        """Tell whether the node listens for clients, which it does once its definitions are loaded."""
        return listens(self.ports.amqp_port) and listens(self.ports.management_port)
