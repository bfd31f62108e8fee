"""The whole stack of one home directory: servers, services and catalogue, and the file that says where they are."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from deploy import accounts, rolling
from deploy.endpoints import Endpoints
from deploy.errors import StackError
from deploy.homes import ROOT
from deploy.local.contract import ContractPage
from deploy.local.daemons import Daemon
from deploy.local.servers import Servers, stop_all
from deploy.local.services import Service, services_of
from deploy.settings import Ports

_OWNED = ("data", "log", "mail", "run", "accounts.json", "ports.json", "stack.env", "admin.env")


@dataclass(frozen=True)
class LocalStack:
    """Servers and services of one home directory."""

    servers: Servers
    services: list[Service]

    @classmethod
    def of(cls, home: Path, ports: Ports) -> Self:
        """Return the stack of a home; while anything of it runs, its ports are those it was started with."""
        kept = home / "ports.json"
        stack = cls._with(home, ports)
        if not kept.exists() or not any(daemon.pid() for daemon in stack.daemons):
            return stack
        return cls._with(home, type(ports).model_validate_json(kept.read_text(encoding="utf-8")))

    @classmethod
    def _with(cls, home: Path, ports: Ports) -> Self:
        servers = Servers.of(home, ports)
        return cls(servers, services_of(servers))

    @property
    def home(self) -> Path:
        """Hold everything that this stack keeps."""
        return self.servers.home

    @property
    def contract(self) -> ContractPage:
        """Return the page of the AsyncAPI document."""
        return ContractPage(self.home, self.servers.ports)

    @property
    def daemons(self) -> list[Daemon]:
        """Return every process of the stack: services first, as they are stopped."""
        servers = (self.servers.rabbitmq, self.servers.mongodb, self.servers.mail)
        return [part.daemon for part in self._served] + [server.daemon for server in servers]

    @property
    def _served(self) -> list[Service | ContractPage]:
        return [*self.services, self.contract]

    @property
    def env_file(self) -> Path:
        """Hold the addresses of a running stack, as KEY=value lines."""
        return self.home / "stack.env"

    @property
    def push_gateway(self) -> None:
        """Return None: whoever watches this kind of stack does so with means of their own."""

    def is_up(self) -> bool:
        """Tell whether everything runs and works."""
        alive = all(daemon.pid() for daemon in self.daemons)
        return alive and self.env_file.exists() and all(service.is_ready() for service in self.services)

    def up(self) -> None:
        """Start what does not run, load the programmes, and write `stack.env`; say what happens.

        Where something does not start, everything is stopped again and the reason raised as `StackError`; programmes
        that cannot be loaded are told in the same way, and leave a stack on which that can be mended.
        """
        with self._alone():
            if self.is_up():
                print("The stack is up already.")
                return
            try:
                self._start()
            except BaseException:
                stop_all(self.daemons)
                self.env_file.unlink(missing_ok=True)
                raise
            with _timed("five programmes"):
                self._load_catalogue()

    def _start(self) -> None:
        accounts.write_private(self.home / "ports.json", self.servers.ports.model_dump_json(indent=2))
        for part in self._served:
            part.ensure_startable()
        with _timed("RabbitMQ, MongoDB, mail sink"):
            self.servers.start()
        self.endpoints().renew_definitions()
        self._start_services()
        self._tell_addresses()

    def _start_services(self) -> None:
        with _timed("services"):
            for part in self._served:
                part.start()
            for part in self._served:
                part.wait()

    def _tell_addresses(self) -> None:
        addresses, rabbitmq = self.addresses(), self.servers.rabbitmq
        for_admin = accounts.as_administrator(addresses, rabbitmq.passwords, rabbitmq.management_url)
        accounts.write_private(self.env_file.with_name("admin.env"), accounts.env_text(for_admin))
        accounts.write_private(self.env_file, accounts.env_text(addresses))

    def start_servers(self) -> None:
        """Start RabbitMQ, MongoDB and the mail sink, and none of the services."""
        with self._alone():
            accounts.write_private(self.home / "ports.json", self.servers.ports.model_dump_json(indent=2))
            self.servers.start()

    def start(self) -> None:
        """Start the services, and write `stack.env`."""
        with self._alone():
            self._start_services()
            self._tell_addresses()

    def stop_services(self) -> None:
        """Let the services finish what they are at, and stop them."""
        with self._alone():
            stop_all([service.daemon for service in self.services])

    def start_services(self) -> None:
        """Start the services that were stopped."""
        with self._alone():
            self._start_services()

    def upgrade(self) -> None:
        """Restart the services on the code that is here now, one after the other.

        Those that hear come before those that tell, who may have more to say than an old one understands. Raises
        `StackError` where old and new cannot work side by side.
        """
        with self._alone():
            self.endpoints().ensure_open()
            rolling.ensure_possible(self.endpoints())
            self.endpoints().renew_definitions()
            for part in reversed(self._served):
                with _timed(part.name):
                    stop_all([part.daemon])
                    part.start()
                    part.wait()

    def endpoints(self) -> Endpoints:
        """Return the servers as this machine reaches them."""
        rabbitmq, ports = self.servers.rabbitmq, self.servers.ports
        return Endpoints(
            rabbitmq.passwords,
            broker=f"127.0.0.1:{ports.amqp_port}",
            management_url=rabbitmq.management_url,
            database=f"127.0.0.1:{ports.mongo_port}",
        )

    def _load_catalogue(self) -> None:
        command = [str(Path(sys.executable).with_name("instroom")), "catalog", "load", "programmes/"]
        environment = {**os.environ, **accounts.as_operator(self.addresses())}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise StackError(
                f"The stack runs, and its programmes could not be loaded:\n\n{done.stdout}{done.stderr}\n"
                "Mend that, then: .venv/bin/instroom catalog load programmes/"
            )

    def addresses(self) -> dict[str, str]:
        """Return what `stack.env` tells; `RABBITMQ_URL` is an account for other systems, without rights inside."""
        rabbitmq = self.servers.rabbitmq
        health = {f"{service.name.upper()}_HEALTH_URL": service.health_url for service in self.services}
        return {
            "RABBITMQ_URL": rabbitmq.url(accounts.INTEGRATOR),
            "RABBITMQ_OPERATOR_URL": rabbitmq.url(accounts.OPERATOR),
            "RABBITMQ_MANAGEMENT_URL": rabbitmq.management_url,
            "MONGO_URL": self.servers.mongodb.url(accounts.OPERATOR),
            "SMTP_URL": self.servers.mail.url,
            "MAIL_DIR": str(self.servers.mail.directory),
            "MAIL_PAGE_URL": self.mail_page_url,
            "CONTRACT_URL": self.contract_url,
            "CLOCK": self.servers.ports.clock,
            **health,
        }

    @property
    def mail_directory(self) -> Path:
        """Hold one `.eml` file per mail."""
        return self.servers.mail.directory

    @property
    def mail_page_url(self) -> str:
        """Return the address of the page to read mails on."""
        return self.servers.mail.page_url

    @property
    def contract_url(self) -> str:
        """Return the address of the page of the AsyncAPI document."""
        return self.contract.url

    def status(self) -> bool:
        """Show what runs; tell whether the stack works."""
        for daemon in self.daemons:
            pid = daemon.pid()
            print(f"{daemon.name:14}{f'runs (process {pid})' if pid else 'is down'}")
        return self.is_up()

    def logs(self) -> None:
        """Follow all logs, until Ctrl-C. Raises `StackError` where there are none."""
        logs = [str(daemon.log_file) for daemon in self.daemons if daemon.log_file.exists()]
        if not logs:
            raise StackError("There are no logs yet: make up starts the stack.")
        os.execvp("tail", ["tail", "--lines=20", "-F", *logs])  # noqa: S606, S607  in place of this process

    def down(self) -> None:
        """Stop everything and keep its data."""
        with self._alone():
            stop_all([part.daemon for part in self._served])
            self.servers.stop()
            self.env_file.unlink(missing_ok=True)

    def reset(self) -> None:
        """End everything and wipe its data, accounts and mails."""
        with self._alone():
            for daemon in self.daemons:
                daemon.kill()
            for name in _OWNED:
                path = self.home / name
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let one command at a time work on this home."""
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


@contextmanager
def _timed(what: str) -> Iterator[None]:
    print(f"start: {what} ... ", end="", flush=True)
    began = time.monotonic()
    try:
        yield
    except BaseException:
        print("failed")
        raise
    print(f"{time.monotonic() - began:.0f} s")
