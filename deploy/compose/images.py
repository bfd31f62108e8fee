"""The images that others publish, and what stands in for them where no hub can be reached."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings

from deploy.errors import StackError
from deploy.homes import ROOT
from deploy.settings import FROM_ENVIRONMENT

PULL_WITHIN_S = 120


class ImageSettings(BaseSettings):
    """Which images the stack in containers is made of; none that is set is looked for or built."""

    model_config = FROM_ENVIRONMENT

    image: str | None = Field(None, description="an image of our own, instead of one that is built from this folder")
    python_image: str | None = Field(None, description="instead of python:3.13.11-slim")
    rabbitmq_image: str | None = Field(None, description="instead of rabbitmq:4.2.1-management")
    mongodb_image: str | None = Field(None, description="instead of mongo:8.2.3")
    prometheus_image: str | None = Field(None, description="instead of prom/prometheus:v3.7.3")
    node_exporter_image: str | None = Field(None, description="instead of prom/node-exporter:v1.10.2")
    pushgateway_image: str | None = Field(None, description="instead of prom/pushgateway:v1.11.2")
    blackbox_exporter_image: str | None = Field(None, description="instead of prom/blackbox-exporter:v0.27.0")
    base_image: str | None = Field(None, description="a Debian 13 to build stand-ins on, instead of debian:trixie")
    ca_file: Path | None = Field(None, description="certificates of a proxy that inspects what builds download")


@dataclass(frozen=True)
class Image:
    """An image that compose asks for by a setting: its published name, and the recipe of its stand-in.

    `package` is Debian's, where the recipe is that of several.
    """

    setting: str
    published: str
    recipe: str
    package: str | None = None

    @property
    def variable(self) -> str:
        """Return its variable of docker-compose.yml, which is its setting too."""
        return f"INSTROOM_{self.setting.upper()}"

    @property
    def stand_in(self) -> str:
        """Return the name of what is built in its place."""
        return f"instroom-stand-in/{self.package or self.recipe}"


IMAGES = (
    Image("python_image", "python:3.13.11-slim", "python"),
    Image("rabbitmq_image", "rabbitmq:4.2.1-management", "rabbitmq"),
    Image("mongodb_image", "mongo:8.2.3", "mongodb"),
)
WATCHING = (
    Image("prometheus_image", "prom/prometheus:v3.7.3", "prometheus"),
    Image("node_exporter_image", "prom/node-exporter:v1.10.2", "prometheus", "prometheus-node-exporter"),
    Image("pushgateway_image", "prom/pushgateway:v1.11.2", "prometheus", "prometheus-pushgateway"),
    Image("blackbox_exporter_image", "prom/blackbox-exporter:v0.27.0", "prometheus", "prometheus-blackbox-exporter"),
)
"""What the profile `observability` needs besides; Grafana has no stand-in, since Debian has no package of it."""


def chosen(settings: ImageSettings, images: Sequence[Image] = IMAGES) -> dict[str, str]:
    """Return the image for each variable of docker-compose.yml: as set, as published, or built here.

    Raises `StackError` where one can neither be had nor built.
    """
    return {image.variable: getattr(settings, image.setting) or _had_or_built(image, settings) for image in images}


def engine_answers() -> bool:
    """Tell whether there is a Docker engine with compose."""
    return _succeeds("compose", "version") and _succeeds("info")


def missing_images(settings: ImageSettings) -> list[str]:
    """Return the published images that can neither be found nor pulled."""
    wanted = [image.published for image in IMAGES if not getattr(settings, image.setting)]
    return [name for name in wanted if not _is_had(name)]


def _is_had(name: str) -> bool:
    return _succeeds("image", "inspect", name) or _succeeds("pull", "--quiet", name)


def _had_or_built(image: Image, settings: ImageSettings) -> str:
    if _is_had(image.published):
        return image.published
    print(f"start: {image.published} cannot be pulled; its stand-in is built from deploy/offline", flush=True)
    recipe = ["--file", str(ROOT / "deploy/offline" / f"{image.recipe}.Dockerfile"), "--tag", image.stand_in]
    done = subprocess.run(
        ["docker", "build", "--quiet", *_arguments(image, settings), *recipe, str(ROOT)],  # noqa: S607  the person's own docker
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and not _succeeds("image", "inspect", image.stand_in):
        raise StackError(
            f"{image.published} cannot be pulled, and its stand-in cannot be built:\n\n{done.stderr[-2000:]}\n"
            f"Name an image with {image.variable}, or a Debian 13 to build on with INSTROOM_BASE_IMAGE."
        )
    return image.stand_in


def _arguments(image: Image, settings: ImageSettings) -> Iterator[str]:
    if image.package:
        yield from ("--build-arg", f"PACKAGE={image.package}")
    if settings.base_image:
        yield from ("--build-arg", f"BASE_IMAGE={settings.base_image}")
    if settings.ca_file:
        yield from ("--secret", f"id=ca,src={settings.ca_file}")


def _succeeds(*arguments: str) -> bool:
    try:
        done = subprocess.run(["docker", *arguments], timeout=PULL_WITHIN_S, capture_output=True, check=False)  # noqa: S607
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
