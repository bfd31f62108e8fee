"""The cluster as its tests see it: who leads what, who is away, and a system that asks for places meanwhile."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from deploy.compose.stack import ComposeStack
from deploy.errors import StackError
from deploy.homes import ROOT
from deploy.web import Management

BROKERS = ("rabbitmq", "rabbitmq-2", "rabbitmq-3")
MEMBERS = ("mongodb", "mongodb-2", "mongodb-3")
SERVICES = ("catalog", "enrolment", "notification")
DOCKER = shutil.which("docker") or "docker"


def docker(*words: str) -> str:
    """Ask the engine; raises `AssertionError` with what it says where it fails."""
    done = subprocess.run([DOCKER, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@dataclass(frozen=True)
class Asking:
    """The other system, in a container of its own (`asking.py`)."""

    process: subprocess.Popen[str]

    def report(self) -> dict[str, Any]:
        """Return its counts, and the longest time without an answer."""
        self._say("\n")
        return self._hear()

    def end(self) -> dict[str, Any]:
        """Let it ask no more and wait for its answers; return its last report."""
        assert self.process.stdin
        self.process.stdin.close()
        return self._hear()

    def _say(self, text: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def _hear(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, "the asking system ended"
        report: dict[str, Any] = json.loads(line)
        return report


@dataclass(frozen=True)
class Cluster:
    """A running stack with the cluster's overlay."""

    stack: ComposeStack

    def container(self, server: str) -> str:
        """Return the name of a server's container."""
        return f"{self.stack.project}-{server}-1"

    def kill(self, *servers: str) -> None:
        """End servers at once, as a power cut would."""
        docker("kill", *map(self.container, servers))

    def start(self, *servers: str) -> None:
        """Start servers that were killed."""
        docker("start", *map(self.container, servers))

    @contextmanager
    def frozen(self, server: str) -> Iterator[None]:
        """Stop a server in its tracks for the length of the block: it is connected to, and says nothing."""
        docker("pause", self.container(server))
        try:
            yield
        finally:
            docker("unpause", self.container(server))

    def is_healthy(self, *servers: str) -> bool:
        """Tell whether these containers run and are healthy."""
        state = "{{.State.Status}} {{.State.Health.Status}}"
        states = docker("inspect", "--format", state, *map(self.container, servers))
        return set(states.splitlines()) == {"running healthy"}

    def queues(self) -> list[dict[str, Any]]:
        """Return every queue and stream with its leader, its members, and those of them that are online."""
        return self._told("list_queues", "--vhost", "instroom", "name", "leader", "members", "online")

    def leader(self, queue: str) -> str:
        """Return the broker that leads a queue."""
        (leader,) = (found["leader"] for found in self.queues() if found["name"] == queue)
        return str(leader).removeprefix("rabbit@")

    def broker_of(self, account: str) -> str:
        """Return a broker that an account is connected to."""
        operator = urlsplit(self.stack.addresses()["RABBITMQ_OPERATOR_URL"])
        pages = self.stack.addresses()["RABBITMQ_MANAGEMENT_URL"]
        connections = Management(pages, operator.username or "", operator.password or "").call("GET", "connections")
        return str(next(found["node"] for found in connections if found["user"] == account)).removeprefix("rabbit@")

    def _told(self, *words: str) -> list[dict[str, Any]]:
        broker = next(server for server in BROKERS if self._says_yes(server, "true"))
        said = docker("exec", self.container(broker), "rabbitmqctl", "--quiet", "--formatter", "json", *words)
        told: list[dict[str, Any]] = json.loads(said)
        return told

    def ensure_whole(self) -> None:
        """Raise `AssertionError` unless every queue and stream has a member online on all brokers, and these agree."""
        states = {queue["name"]: (len(queue["members"]), len(queue["online"])) for queue in self.queues()}
        lacking = {name: counts for name, counts in states.items() if counts != (len(BROKERS), len(BROKERS))}
        assert not lacking, f"members, and of them online: {lacking}"
        for broker in BROKERS:
            docker("exec", self.container(broker), "rabbitmqctl", "eval", "[] = rabbit_node_monitor:partitions().")

    def primary(self) -> str:
        """Return the member of the replica set that takes writes."""
        return next(member for member in MEMBERS if self._says_yes(member, "is-primary"))

    def _says_yes(self, server: str, command: str) -> bool:
        done = subprocess.run([DOCKER, "exec", self.container(server), command], capture_output=True, check=False)
        return done.returncode == 0

    def keeps_every_promise(self) -> bool:
        """Count everything again, as an operator would inside the network."""
        try:
            self.stack.compose("run", "--rm", "tools", "audit", images=self.stack.images)
        except StackError:
            return False
        return True

    @contextmanager
    def asking(self, name: str) -> Iterator[Asking]:
        """Have another system ask for places during the block; it knows the brokers by their common name."""
        host = "brokers" if self.stack.overlays else "rabbitmq"
        url = self.stack.addresses()["RABBITMQ_URL"].replace(f"127.0.0.1:{self.stack.ports.amqp_port}", f"{host}:5672")
        container = ("--rm", "--interactive", "--init", "--network", f"{self.stack.project}_inside")
        given = ("--volume", f"{ROOT}/tests:/app/tests:ro", "--env", f"RABBITMQ_URL={url}")
        program = (self.stack.project, "python3", "-m", "tests.cluster.asking", name)
        command = [DOCKER, "run", *container, *given, *program]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield Asking(process)
            finally:
                process.terminate()
