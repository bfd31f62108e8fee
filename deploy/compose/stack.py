"""The stack in containers: what `make up` and its siblings do with it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import Field
from pydantic_settings import BaseSettings

from deploy import accounts
from deploy.compose import certificates
from deploy.compose.images import IMAGES, WATCHING, ImageSettings, chosen
from deploy.local.errors import LocalError
from deploy.local.servers import ROOT
from deploy.local.settings import FROM_ENVIRONMENT, Ports
from deploy.replicaset import database_url

USUAL_HOME = ROOT / ".local"
SETTING_UP = {"secrets", "founding"}
"""The containers that end when they are done."""
OBSERVABILITY = "observability"
"""The profile with Prometheus and Grafana."""


class Overlays(BaseSettings):
    """What is laid over docker-compose.yml; each is a file docker-compose.NAME.yml."""

    model_config = FROM_ENVIRONMENT

    cluster: bool = Field(default=False, description="three brokers, and a database of three members")
    tls: bool = Field(default=False, description="RabbitMQ and MongoDB over TLS alone")


@dataclass(frozen=True)
class ComposeStack:
    """A compose project of this repository; `home` holds its mails and the file with its addresses.

    Another home than a clone's usual one is another project, with data and an image of its own.
    """

    home: Path
    ports: Ports

    @property
    def project(self) -> str:
        """Return the name of the compose project."""
        home = self.home.resolve()
        return "instroom" if home == USUAL_HOME else f"instroom-{sha256(str(home).encode()).hexdigest()[:8]}"

    @property
    def env_file(self) -> Path:
        """Hold the addresses of a running stack, as KEY=value lines."""
        return self.home / "stack.env"

    @property
    def _admin_file(self) -> Path:
        return self.home / "admin.env"

    @property
    def ca_file(self) -> Path:
        """Hold the certificate by which clients on this machine verify the servers, where those take TLS."""
        return self.home.resolve() / "ca.pem"

    @property
    def mail_directory(self) -> Path:
        """Hold one `.eml` file per mail."""
        return self.home.resolve() / "mail"

    @property
    def mail_page_url(self) -> str:
        """Return the address of the page to read mails on."""
        return f"http://127.0.0.1:{self.ports.mail_page_port}"

    @property
    def images(self) -> Mapping[str, str]:
        """Hold the image for each variable of docker-compose.yml, as chosen at first: the data depend on it.

        Raises `LocalError` where one is not to be had.
        """
        images: dict[str, str] = json.loads(self._kept.read_text(encoding="utf-8")) if self._kept.exists() else {}
        wanted = (*IMAGES, *WATCHING) if self.is_watched else IMAGES
        missing = [image for image in wanted if image.variable not in images]
        if missing:
            images |= chosen(ImageSettings(), missing)
            accounts.write_private(self._kept, json.dumps(images, indent=2))
        return images

    @property
    def is_kept(self) -> bool:
        """Whether it was ever brought up and not reset since."""
        return self._kept.exists()

    @property
    def is_watched(self) -> bool:
        """Tell whether COMPOSE_PROFILES asks for Prometheus and Grafana."""
        return OBSERVABILITY in os.environ.get("COMPOSE_PROFILES", "").split(",")

    @property
    def _kept(self) -> Path:
        return self.home / "images.json"

    @property
    def overlays(self) -> list[str]:
        """Hold the overlays that are asked for now, and those that the stack was started with: it has their data."""
        return sorted({*self._kept_overlays(), *(name for name, is_wanted in Overlays() if is_wanted)})

    def _kept_overlays(self) -> list[str]:
        names = json.loads(self._started_with.read_text(encoding="utf-8")) if self._started_with.exists() else []
        return [str(name) for name in names]

    @property
    def _started_with(self) -> Path:
        return self.home / "overlays.json"

    def up(self) -> None:
        """Build and start what does not run, load the programmes, and write `stack.env`.

        Raises `LocalError` where that fails.
        """
        self.mail_directory.mkdir(parents=True, exist_ok=True)
        print("start: images", flush=True)
        self._ensure_possible()
        images = self.images
        accounts.write_private(self._started_with, json.dumps(self.overlays))
        print("start: containers, until all are healthy", flush=True)
        self.compose("up", "--detach", "--build", "--wait", images=images)
        if "tls" in self.overlays:
            self.ca_file.write_text(self._secret("ca.pem"), encoding="utf-8")
        self.compose("run", "--rm", "tools", "catalog", "load", "programmes/", images=images)
        addresses = self.addresses()
        management = addresses["RABBITMQ_MANAGEMENT_URL"]
        for_admin = accounts.as_administrator(addresses, self.passwords(), management)
        accounts.write_private(self._admin_file, accounts.env_text(for_admin))
        accounts.write_private(self.env_file, accounts.env_text(addresses))

    def _ensure_possible(self) -> None:
        """Raise `LocalError` where overlays do not go together, or with the data that there is."""
        if {"cluster", "tls"} <= set(self.overlays):
            raise LocalError(
                "A cluster over TLS has not been built yet: set INSTROOM_CLUSTER or INSTROOM_TLS, not both."
            )
        if self._kept.exists() and "cluster" in self.overlays and "cluster" not in self._kept_overlays():
            raise LocalError(
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
        """Show every container, and how long certificates are valid; tell whether the stack works."""
        self.compose("ps")
        verified = not self.ca_file.exists() or self._show_expiry()
        said = self.compose("ps", "--all", "--format", "json", captured=True)
        containers = [json.loads(line) for line in said.splitlines()]
        return verified and self.env_file.exists() and bool(containers) and all(map(_does_its_work, containers))

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
        passwords, ca = self.passwords(), self.ca_file if "tls" in self.overlays else None
        broker, database = f"127.0.0.1:{self.ports.amqp_port}", f"127.0.0.1:{self.ports.mongo_port}"
        watching = {
            "PROMETHEUS_URL": f"http://127.0.0.1:{self.ports.prometheus_port}",
            "GRAFANA_URL": f"http://127.0.0.1:{self.ports.grafana_port}",
        }
        return {
            "RABBITMQ_URL": accounts.broker_url(accounts.INTEGRATOR, passwords, broker, ca),
            "RABBITMQ_OPERATOR_URL": accounts.broker_url(accounts.OPERATOR, passwords, broker, ca),
            "RABBITMQ_MANAGEMENT_URL": f"{'https' if ca else 'http'}://127.0.0.1:{self.ports.management_port}",
            "MONGO_URL": database_url(accounts.OPERATOR, passwords, database, "directConnection=true", ca),
            **({"TLS_CA_FILE": str(ca)} if ca else {}),
            "MAIL_DIR": str(self.mail_directory),
            "MAIL_PAGE_URL": self.mail_page_url,
            **(watching if self.is_watched else {}),
        }

    def passwords(self) -> dict[str, str]:
        """Return the password of every account, which only who may run containers can read."""
        passwords: dict[str, str] = json.loads(self._secret("accounts.json"))
        return passwords

    def _secret(self, file: str) -> str:
        reading = ("run", "--rm", "--no-deps", "secrets", "cat", f"/secrets/all/{file}")
        return self.compose(*reading, captured=True, images=self.images)

    def compose(self, *words: str, captured: bool = False, images: Mapping[str, str] | None = None) -> str:
        """Run docker compose on this project; return what it printed, where that is to be captured.

        Raises `LocalError` where it fails.
        """
        environment = {**os.environ, **self._variables(), **(images or {})}
        project = ["--project-directory", str(ROOT), "--project-name", self.project, "--progress", "quiet"]
        command = ["docker", "compose", *project, *self._files(), *words]
        try:
            done = subprocess.run(command, env=environment, stdout=subprocess.PIPE if captured else None, check=False)
        except OSError as error:
            raise LocalError(
                "The stack in containers needs Docker with its compose plugin; there is no docker here."
            ) from error
        if done.returncode:
            raise LocalError(f"docker compose {' '.join(words)} failed; what it says stands above.")
        return done.stdout.decode() if captured else ""

    def _files(self) -> Iterator[str]:
        """Name the files, where they are more than compose finds by itself."""
        names = [f"docker-compose.{overlay}.yml" for overlay in self.overlays]
        for name in ("docker-compose.yml", *names) if names else ():
            yield from ("--file", str(ROOT / name))

    def _variables(self) -> dict[str, str]:
        ports = {f"INSTROOM_{name.upper()}": str(port) for name, port in self.ports.model_dump().items()}
        mail = {"INSTROOM_MAIL_DIR": str(self.mail_directory), "INSTROOM_MAIL_USER": str(os.getuid())}
        image = {} if "INSTROOM_IMAGE" in os.environ else {"INSTROOM_IMAGE": self.project}
        profiles = f"dev,{OBSERVABILITY}" if self.is_watched else "dev"
        return {**ports, **mail, **image, "COMPOSE_PROFILES": profiles}


def _does_its_work(container: Mapping[str, Any]) -> bool:
    """Tell whether a container runs and is not unhealthy, or ended well if it is one of those that end."""
    if container["State"] == "running":
        return container["Health"] in {"", "healthy"}
    return container["State"] == "exited" and container["ExitCode"] == 0 and container["Service"] in SETTING_UP
