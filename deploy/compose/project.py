"""A compose project of this repository: its images, overlays, settings and secrets, and docker compose run on it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings

from deploy import accounts
from deploy.compose.images import IMAGES, WATCHING, ImageSettings, chosen
from deploy.errors import StackError
from deploy.homes import ROOT, SANDBOX_HOME, USUAL_HOME
from deploy.settings import FROM_ENVIRONMENT, Ports

OBSERVABILITY = "observability"
"""The profile with Prometheus and Grafana."""


class Overlays(BaseSettings):
    """What is laid over docker-compose.yml; each is a file docker-compose.NAME.yml."""

    model_config = FROM_ENVIRONMENT

    cluster: bool = Field(default=False, description="three brokers, and a database of three members")
    tls: bool = Field(default=False, description="RabbitMQ and MongoDB over TLS alone")


@dataclass(frozen=True)
class Project:
    """A project, whose `home` holds its mails and what it was started with.

    Another home than a clone's usual one is another project, with data and an image of its own.
    """

    home: Path
    ports: Ports

    @property
    def project(self) -> str:
        """Return the name of the compose project."""
        home = self.home.resolve()
        known = {USUAL_HOME: "instroom", SANDBOX_HOME: "instroom-sandbox"}
        return known.get(home) or f"instroom-{sha256(str(home).encode()).hexdigest()[:8]}"

    @property
    def ca_file(self) -> Path:
        """Hold the certificate by which clients on this machine verify the servers, where those take TLS."""
        return self.home.resolve() / "ca.pem"

    @property
    def mail_directory(self) -> Path:
        """Hold one `.eml` file per mail."""
        return self.home.resolve() / "mail"

    @property
    def images(self) -> Mapping[str, str]:
        """Hold the image for each variable of docker-compose.yml, as chosen at first: the data depend on it.

        Raises `StackError` where one is not to be had.
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

    @property
    def is_cluster(self) -> bool:
        """Tell whether there are three of each server."""
        return "cluster" in self.overlays

    def _kept_overlays(self) -> list[str]:
        names = json.loads(self._started_with.read_text(encoding="utf-8")) if self._started_with.exists() else []
        return [str(name) for name in names]

    @property
    def _started_with(self) -> Path:
        return self.home / "overlays.json"

    def passwords(self) -> dict[str, str]:
        """Return the password of every account, which only who may run containers can read."""
        passwords: dict[str, str] = json.loads(self._secret("accounts.json"))
        return passwords

    def _secret(self, file: str) -> str:
        reading = ("run", "--rm", "--no-deps", "secrets", "cat", f"/secrets/all/{file}")
        return self.compose(*reading, captured=True, images=self.images)

    def compose(self, *words: str, captured: bool = False, images: Mapping[str, str] | None = None) -> str:
        """Run docker compose on this project; return what it printed, where that is to be captured.

        Raises `StackError` where it fails.
        """
        environment = {**os.environ, **self._variables(), **(images or {})}
        project = ["--project-directory", str(ROOT), "--project-name", self.project, "--progress", "quiet"]
        command = ["docker", "compose", *project, *self._files(), *words]
        try:
            done = subprocess.run(command, env=environment, stdout=subprocess.PIPE if captured else None, check=False)
        except OSError as error:
            raise StackError(
                "The stack in containers needs Docker with its compose plugin; there is no docker here."
            ) from error
        if done.returncode:
            raise StackError(f"docker compose {' '.join(words)} failed; what it says stands above.")
        return done.stdout.decode() if captured else ""

    def _files(self) -> Iterator[str]:
        """Name the files, where they are more than compose finds by itself."""
        names = [f"docker-compose.{overlay}.yml" for overlay in self.overlays]
        for name in ("docker-compose.yml", *names) if names else ():
            yield from ("--file", str(ROOT / name))

    def _variables(self) -> dict[str, str]:
        ports = {f"INSTROOM_{name.upper()}": str(port) for name, port in self.ports.model_dump().items()}
        mail = {"INSTROOM_MAIL_DIR": str(self.mail_directory), "INSTROOM_MAIL_USER": str(os.getuid())}
        image = {"INSTROOM_IMAGE": ImageSettings().image or self.project}
        profiles = f"dev,{OBSERVABILITY}" if self.is_watched else "dev"
        return {**ports, **mail, **image, "INSTROOM_CLOCK": self.ports.clock, "COMPOSE_PROFILES": profiles}
