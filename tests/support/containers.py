"""RabbitMQ and MongoDB in containers, where a Docker engine answers and has or gets the images."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from deploy.local.mongodb import LIMITS
from deploy.replicaset import REPLICA_SET
from deploy.settings import Ports
from deploy.web import Management
from tests.support.eventually import wait_until

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer

USER, PASSWORD = "instroom", "instroom"
RABBITMQ_IMAGE = os.environ.get("INSTROOM_TEST_RABBITMQ_IMAGE", "rabbitmq:4.2.1-management")
MONGODB_IMAGE = os.environ.get("INSTROOM_TEST_MONGODB_IMAGE", "mongo:8.2.3")
_ALREADY_INITIALIZED = 23


def are_possible() -> bool:
    """Tell whether an engine answers and both images are there, or come within half a minute each."""
    return (
        shutil.which("docker") is not None
        and _succeeds("info", within=5)
        and all(
            _succeeds("image", "inspect", image, within=5) or _succeeds("pull", "--quiet", image, within=30)
            for image in (RABBITMQ_IMAGE, MONGODB_IMAGE)
        )
    )


def _succeeds(*arguments: str, within: float) -> bool:
    try:
        done = subprocess.run(["docker", *arguments], timeout=within, capture_output=True, check=False)  # noqa: S607  the person's own docker
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


@dataclass(frozen=True)
class ContainerPower:
    """The switch of a server in a container, with the address it answers at."""

    url: str
    management_url: str
    container: DockerContainer
    is_ready: Callable[[], bool]
    settle: float = 0

    def start(self) -> None:
        """Start the container again and wait until the server works."""
        self.container.get_wrapped_container().start()
        self.wait()

    def wait(self) -> None:
        """Wait until the server works; the error has the end of what its container said."""
        try:
            wait_until(self.is_ready, within=60)
        except AssertionError:
            said = b"".join(self.container.get_logs()).decode(errors="replace")
            raise AssertionError(f"A server in a container did not come up:\n{said[-2000:]}") from None

    def stop(self) -> None:
        """Stop the server in good order."""
        self.container.get_wrapped_container().stop()

    def kill(self) -> None:
        """End the server with SIGKILL, after the seconds of `settle`."""
        time.sleep(self.settle)
        self.container.get_wrapped_container().kill()


@contextmanager
def rabbitmq(settle: float) -> Iterator[ContainerPower]:
    """Run a broker with its management pages for the length of the block."""
    ports = Ports.free()
    container = _container(RABBITMQ_IMAGE, {5672: ports.amqp_port, 15672: ports.management_port})
    container.with_env("RABBITMQ_DEFAULT_USER", USER).with_env("RABBITMQ_DEFAULT_PASS", PASSWORD)
    pages = f"http://127.0.0.1:{ports.management_port}"
    with container:
        power = ContainerPower(
            f"amqp://{USER}:{PASSWORD}@127.0.0.1:{ports.amqp_port}", pages, container, lambda: _admits(pages), settle
        )
        power.wait()
        yield power


def _admits(pages: str) -> bool:
    try:
        Management(pages, USER, PASSWORD).call("GET", "health/checks/port-listener/5672")
    except OSError:
        return False
    return True


@contextmanager
def mongodb() -> Iterator[ContainerPower]:
    """Run a one-member replica set for the length of the block."""
    port = Ports.free().mongo_port
    container = _container(MONGODB_IMAGE, {27017: port})
    container.with_command(f"mongod --replSet {REPLICA_SET} --bind_ip_all {' '.join(LIMITS)}")
    url = f"mongodb://127.0.0.1:{port}/?directConnection=true"
    with container:
        power = ContainerPower(url, "", container, lambda: _is_primary(url))
        power.wait()
        yield power


def _is_primary(url: str) -> bool:
    try:
        with MongoClient[dict[str, Any]](url, serverSelectionTimeoutMS=1000) as client:
            _initiate(client)
            return bool(client.admin.command("hello")["isWritablePrimary"])
    except PyMongoError:
        return False


def _initiate(client: MongoClient[dict[str, Any]]) -> None:
    members = [{"_id": 0, "host": "127.0.0.1:27017"}]
    try:
        client.admin.command({"replSetInitiate": {"_id": REPLICA_SET, "members": members}})
    except OperationFailure as failure:
        if failure.code != _ALREADY_INITIALIZED:
            raise


def _container(image: str, ports: dict[int, int]) -> DockerContainer:
    """Return a container with fixed ports, which stay the same when it is started again."""
    os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")  # one image less to get; `with` removes ours
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415  slow to import, seldom needed

    container = DockerContainer(image).with_kwargs(hostname="instroom")  # RabbitMQ's data is tied to its host's name
    for inside, outside in ports.items():
        container.with_bind_ports(inside, outside)
    return container
