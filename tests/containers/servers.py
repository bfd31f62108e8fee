"""Run tests on servers in containers, of the images that the compose stack uses: `python -m ... PYTEST-ARGUMENTS`.

With `--stack` first the servers are those of a compose project, and the services of end-to-end tests run in its image;
else testcontainers starts them.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from deploy import accounts
from deploy.compose.images import ImageSettings, chosen
from deploy.compose.stack import ComposeStack
from deploy.settings import Ports


def main(arguments: list[str]) -> int:
    """Run pytest on these servers."""
    if arguments[:1] != ["--stack"]:
        return _tested(_images(), arguments)
    with _stack() as environment:
        return _tested(environment, arguments[1:])


def _tested(environment: Mapping[str, str], arguments: list[str]) -> int:
    os.environ.update(environment)
    return pytest.main(arguments)


def _images() -> dict[str, str]:
    images = chosen(ImageSettings())
    return {f"INSTROOM_TEST_{name}_IMAGE": images[f"INSTROOM_{name}_IMAGE"] for name in ("RABBITMQ", "MONGODB")}


@contextmanager
def _stack() -> Iterator[dict[str, str]]:
    """Bring a project up; give the addresses of its servers, with the administrator's accounts, and its image."""
    with tempfile.TemporaryDirectory() as home:
        stack = ComposeStack(Path(home), Ports.free())
        try:
            stack.up()
            yield _as_administrator(stack)
        finally:
            stack.reset()


def _as_administrator(stack: ComposeStack) -> dict[str, str]:
    addresses, admin = stack.addresses(), accounts.ADMIN
    passwords = stack.passwords()
    database = urlsplit(addresses["MONGO_URL"])
    return {
        "RABBITMQ_URL": accounts.broker_url(
            admin, passwords, urlsplit(addresses["RABBITMQ_URL"]).netloc.rpartition("@")[2]
        ),
        "RABBITMQ_MANAGEMENT_URL": addresses["RABBITMQ_MANAGEMENT_URL"],
        "MONGO_URL": database._replace(
            netloc=f"{admin}:{passwords[admin]}@{database.netloc.rpartition('@')[2]}"
        ).geturl(),
        "INSTROOM_TEST_IMAGE": stack.project,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
