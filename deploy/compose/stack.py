"""The stack in containers: what `make up` and its siblings do with it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy import accounts, rolling
from deploy.compose import certificates
from deploy.compose.images import ImageSettings
from deploy.compose.project import Project
from deploy.endpoints import Endpoints
from deploy.errors import StackError

SERVERS = ("rabbitmq", "mongodb")
SETTING_UP = {"secrets", "founding"}
"""The containers that end when they are done."""


@dataclass(frozen=True)
class ComposeStack(Project):
    """A compose project as a stack; its `home` holds the file with its addresses besides."""

    @property
    def env_file(self) -> Path:
        """Hold the addresses of a running stack, as KEY=value lines."""
        return self.home / "stack.env"

    @property
    def _admin_file(self) -> Path:
        return self.home / "admin.env"

    @property
    def mail_page_url(self) -> str:
        """Return the address of the page to read mails on."""
        return f"http://127.0.0.1:{self.ports.mail_page_port}"

    @property
    def contract_url(self) -> str:
        """Return the address of the page of the AsyncAPI document."""
        return f"http://127.0.0.1:{self.ports.contract_port}"

    @property
    def push_gateway(self) -> str:
        """Return the address at which runs that end tell of themselves, where the stack is watched."""
        return f"http://127.0.0.1:{self.ports.pushgateway_port}"

    def up(self) -> None:
        """Build and start what does not run, write `stack.env`, and load the programmes.

        Raises `StackError` where that fails.
        """
        self._bring_up(*self._building)
        self._tell_addresses()
        self.compose("run", "--rm", "tools", "catalog", "load", "programmes/", images=self.images)

    def _tell_addresses(self) -> None:
        endpoints = self.endpoints()
        addresses = self._addresses(endpoints)
        for_admin = accounts.as_administrator(addresses, endpoints.passwords, endpoints.management_url)
        accounts.write_private(self._admin_file, accounts.env_text(for_admin))
        accounts.write_private(self.env_file, accounts.env_text(addresses))

    def start_servers(self) -> None:
        """Start RabbitMQ and MongoDB, with what they need, and none of the services."""
        brokers, members = (("rabbitmq-2", "rabbitmq-3"), ("mongodb-2", "mongodb-3")) if self.is_cluster else ((), ())
        self._bring_up(*self._building, "founding", *SERVERS, *brokers, *members)

    def start(self) -> None:
        """Start what does not run, as it is built already, and write `stack.env`."""
        self._bring_up()
        self._tell_addresses()

    def stop_services(self) -> None:
        """Let the services finish what they are at, and stop them."""
        self.compose("stop", *accounts.SERVICES)

    def start_services(self) -> None:
        """Start the services that were stopped, as they were, and as many of each."""
        there = {service: len(self._containers(service, "--all")) or 1 for service in accounts.SERVICES}
        many = [word for service, count in there.items() for word in ("--scale", f"{service}={count}")]
        self.compose("up", "--detach", "--wait", "--no-recreate", *many, *accounts.SERVICES, images=self.images)

    def upgrade(self) -> None:
        """Build, and replace the services' containers one after the other: who hears before who tells.

        Raises `StackError` where old and new cannot work side by side, or a new one does not become healthy: then it
        is removed, and the old one goes on.
        """
        if self._building:
            print("upgrade: image", flush=True)
            self.compose("build", "--quiet", "secrets", images=self.images)
        self._set_up("secrets")
        endpoints = self.endpoints()
        endpoints.ensure_open()
        rolling.ensure_possible(endpoints)
        print("upgrade: definitions", flush=True)
        self._set_up("founding")
        for service in reversed(accounts.SERVICES):
            print(f"upgrade: {service}", flush=True)
            self._replace(service)
        self.compose("up", "--detach", "--wait", "--no-deps", "contract", images=self.images)

    def _set_up(self, container: str) -> None:
        try:
            self.compose("run", "--rm", "--no-deps", container, images=self.images)
        except StackError as trouble:
            raise StackError(
                "The new image does not run, or the servers refuse it; what it says stands above. Nothing was replaced,"
                " and the old one goes on."
            ) from trouble

    def _replace(self, service: str) -> None:
        """Start as many new containers of a service as there are old ones, and then stop those."""
        old = self._containers(service)
        if not old:
            raise StackError(f"{service} does not run, so there is nothing to replace: make up starts the stack.")
        many = ("--scale", f"{service}={2 * len(old)}")
        try:
            self.compose("up", "--detach", "--wait", "--no-deps", "--no-recreate", *many, service, images=self.images)
        except StackError as trouble:
            new = [container for container in self._containers(service, "--all") if container not in old]
            docker("logs", "--tail", "20", *new[:1], is_shown=True)
            docker("rm", "--force", *new)
            raise StackError(
                f"The new {service} did not become healthy; the end of its log stands above. It is removed, and the old"
                " one goes on. Mend it, or go back to the code that worked, and say make upgrade again."
            ) from trouble
        docker("stop", *old)
        docker("rm", *old)

    def _containers(self, service: str, *options: str) -> list[str]:
        return self.compose("ps", "--quiet", *options, service, captured=True).split()

    @property
    def _building(self) -> tuple[str, ...]:
        """Hold compose's option to build the image, unless it is one of the operator's own: that is taken as it is."""
        return () if ImageSettings().image else ("--build",)

    def _bring_up(self, *words: str) -> None:
        self.mail_directory.mkdir(parents=True, exist_ok=True)
        print("start: images", flush=True)
        self._ensure_possible()
        images = self.images
        accounts.write_private(self._started_with, json.dumps(self.overlays))
        print("start: containers, until all are healthy", flush=True)
        self.compose("up", "--detach", "--wait", *words, images=images)
        if "tls" in self.overlays:
            self.ca_file.write_text(self._secret("ca.pem"), encoding="utf-8")

    def _ensure_possible(self) -> None:
        """Raise `StackError` where overlays do not go together, or with the data that there is."""
        if {"cluster", "tls"} <= set(self.overlays):
            raise StackError(
                "A cluster over TLS has not been built yet: set INSTROOM_CLUSTER or INSTROOM_TLS, not both."
            )
        if self._kept.exists() and "cluster" in self.overlays and "cluster" not in self._kept_overlays():
            raise StackError(
                "This stack has data of one broker and one database, and make up does not make them three. make reset"
                " wipes them; docs/operating.md, From one to three, says how those of docker compose become three."
            )

    def down(self) -> None:
        """Stop everything and keep its data."""
        self.compose("--profile", "*", "down")
        for path in (self.env_file, self._admin_file, self.ca_file):
            path.unlink(missing_ok=True)

    def reset(self) -> None:
        """Stop everything and wipe its data, accounts and mails."""
        self.compose("--profile", "*", "down", "--volumes", "--remove-orphans")
        made = (self.env_file, self._admin_file, self.ca_file, self._kept, self._started_with)
        for path in (*made, *self.mail_directory.glob("*.eml")):
            path.unlink(missing_ok=True)

    def logs(self) -> None:
        """Follow the logs of everything, until Ctrl-C."""
        self.compose("logs", "--follow", "--tail", "20")

    def status(self) -> bool:
        """Show what runs, how long certificates are valid, and what does not work; tell whether the stack does."""
        self.compose("ps")
        verified = not self.ca_file.exists() or self._show_expiry()
        said = self.compose("ps", "--all", "--format", "json", captured=True)
        containers = [json.loads(line) for line in said.splitlines()]
        idle = [container for container in containers if not _does_its_work(container)]
        for container in idle:
            print(f"{container['Service']} does not work: {container['Name']}, {container['Status']}")
        return verified and self.env_file.exists() and bool(containers) and not idle

    def _show_expiry(self) -> bool:
        """Show until when the certificates are valid that the servers show; tell whether clients accept them."""
        for server, port in {"rabbitmq": self.ports.amqp_port, "mongodb": self.ports.mongo_port}.items():
            try:
                print(f"{server}: certificate until {certificates.expiry_shown(port, self.ca_file):%Y-%m-%d}")
            except OSError as error:
                print(f"{server}: {error}")
                return False
        return True

    def addresses(self) -> dict[str, str]:
        """Return what `stack.env` tells; `RABBITMQ_URL` is an account for other systems, without rights inside."""
        return self._addresses(self.endpoints())

    def _addresses(self, endpoints: Endpoints) -> dict[str, str]:
        watching = {
            "PUSHGATEWAY_URL": self.push_gateway,
            "PROMETHEUS_URL": f"http://127.0.0.1:{self.ports.prometheus_port}",
            "GRAFANA_URL": f"http://127.0.0.1:{self.ports.grafana_port}",
        }
        return {
            "RABBITMQ_URL": endpoints.broker_url(accounts.INTEGRATOR),
            "RABBITMQ_OPERATOR_URL": endpoints.broker_url(accounts.OPERATOR),
            "RABBITMQ_MANAGEMENT_URL": endpoints.management_url,
            "MONGO_URL": endpoints.database_url(accounts.OPERATOR),
            **({"TLS_CA_FILE": str(endpoints.ca)} if endpoints.ca else {}),
            "MAIL_DIR": str(self.mail_directory),
            "MAIL_PAGE_URL": self.mail_page_url,
            "CONTRACT_URL": self.contract_url,
            "CLOCK": self.ports.clock,
            **(watching if self.is_watched else {}),
        }

    def endpoints(self) -> Endpoints:
        """Return the servers as this machine reaches them: the first of each kind, where there are three."""
        ca = self.ca_file if "tls" in self.overlays else None
        return Endpoints(
            self.passwords(),
            broker=f"127.0.0.1:{self.ports.amqp_port}",
            management_url=f"{'https' if ca else 'http'}://127.0.0.1:{self.ports.management_port}",
            database=f"127.0.0.1:{self.ports.mongo_port}",
            database_options="directConnection=true",
            ca=ca,
        )


def docker(*words: str, is_shown: bool = False) -> None:
    """Run docker, and show what it prints or not; raises `StackError` where it fails."""
    command = ["docker", *words]
    if subprocess.run(command, stdout=None if is_shown else subprocess.DEVNULL, check=False).returncode:
        raise StackError(f"docker {' '.join(words)} failed; what it says stands above.")


def _does_its_work(container: Mapping[str, Any]) -> bool:
    """Tell whether a container runs and is not unhealthy, or ended well if it is one of those that end."""
    if container["State"] == "running":
        return container["Health"] in {"", "healthy"}
    return container["State"] == "exited" and container["ExitCode"] == 0 and container["Service"] in SETTING_UP
