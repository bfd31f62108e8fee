"""Services as processes of their own, so that a test may end one as a crash would."""

from __future__ import annotations

import asyncio
import atexit
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from deploy.homes import ROOT
from deploy.local.daemons import Daemon
from deploy.settings import Ports
from deploy.web import answers_well, trouble_at
from tests.support.leftovers import own_home
from tests.support.place import Place
from tests.support.servers import SCRATCH

ADDRESS = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
NAMES = ("Robin", "Jansen")
"""Names that test participants have."""
IMAGE = os.environ.get("INSTROOM_TEST_IMAGE")
"""The image that services run in, each in a container as docker-compose.yml holds it; else they are processes."""


@dataclass(frozen=True)
class ServiceProcess:
    """One process of a service in a test's place.

    `copy` tells replicas of one service apart; `without` names a guard that is switched off (see `sabotage.py`).
    """

    service: str
    place: Place
    settings: Mapping[str, str]
    copy: int = 1
    without: str | None = None
    port: int = field(default_factory=lambda: Ports.free().enrolment_port)

    @property
    def daemon(self) -> Daemon:
        """Be `services.NAME.app`, with a log of its own."""
        return Daemon(f"{self.place.name}-{self.service}-{self.copy}", _home())

    @property
    def url(self) -> str:
        """Return where its health pages are."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the process, unless it runs, and wait until it works."""
        self._keep_log()
        settings = {**self.place.environment(self.service), **self.settings, "HTTP_PORT": str(self.port)}
        command = self._in_container(settings) if IMAGE else [sys.executable, "-m", *self._module()]
        self.daemon.start(command, {**os.environ, **settings}, cwd=ROOT)
        self.daemon.wait_until(self.is_ready)

    def _in_container(self, settings: Mapping[str, str]) -> list[str]:
        """Return what runs the service in a container on the host's network, with the guards' switches at hand."""
        held = ["--init", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--tmpfs=/tmp"]
        passed = [f"--env={name}" for name in settings]
        tests = f"--volume={ROOT / 'tests'}:/app/tests:ro"
        run = ["docker", "run", "--rm", f"--name={self.daemon.name}", "--network=host", *held, *passed, tests]
        return [*run, str(IMAGE), "python3", "-m", *self._module()]

    def _module(self) -> tuple[str, ...]:
        module = f"services.{self.service}.app"
        return ("tests.support.sabotage", self.without, module) if self.without else (module,)

    def is_ready(self) -> bool:
        """Ask the service whether it works."""
        return answers_well(f"{self.url}/readyz")

    async def ready(self) -> bool:
        """Ask it without holding up the test's event loop."""
        return await asyncio.to_thread(self.is_ready)

    async def troubled(self) -> bool:
        """Ask it the same, hoping for a no."""
        return not await self.ready()

    def trouble(self) -> str:
        """Return what the service says of itself where it does not work; empty where it does."""
        return trouble_at(f"{self.url}/readyz")

    def kill(self) -> None:
        """End the process with SIGKILL, in whatever it was doing."""
        if IMAGE:
            subprocess.run(["docker", "kill", self.daemon.name], check=True, capture_output=True)  # noqa: S607
        self.daemon.kill()

    def freeze(self) -> None:
        """Stop the process in its tracks, as a machine that stalls would."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen process go on."""
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        """Ask the process to stop, and wait until it has."""
        self.daemon.terminate()
        self.daemon.join()

    def logs(self) -> str:
        """Return everything that the process logged, over all its starts."""
        files = sorted(self.daemon.log_file.parent.glob(f"{self.daemon.name}*.log"))
        return "".join(file.read_text(encoding="utf-8", errors="replace") for file in files)

    def _signal(self, number: signal.Signals) -> None:
        pid = self.daemon.pid()
        assert pid is not None, f"{self.daemon.name} does not run"
        os.kill(pid, number)

    def _keep_log(self) -> None:
        """Put the log of an earlier start aside: a start begins a new one."""
        log = self.daemon.log_file
        if log.exists() and self.daemon.pid() is None:
            log.rename(_free_name(log))


@cache
def _home() -> Path:
    """Return the home of this run's services: other runs leave it alone, and the next sweeps it after a crash."""
    life = ExitStack()
    atexit.register(life.close)
    return life.enter_context(own_home(SCRATCH))


def _free_name(log: Path) -> Path:
    names = (log.with_name(f"{log.stem}.{number}.log") for number in range(1, 1000))
    return next(name for name in names if not name.exists())


def ensure_no_personal_data(logs: str) -> None:
    """Raise `AssertionError` where a log names a participant or holds an address."""
    found = [*ADDRESS.findall(logs), *(name for name in NAMES if name in logs)]
    assert not found, f"personal data in the logs: {sorted(set(found))}"


@contextmanager
def running(
    place: Place, *services: str, settings: Mapping[str, str] | None = None, without: str | None = None
) -> Iterator[list[ServiceProcess]]:
    """Run services in a place for the length of the block; a service named twice runs twice.

    Their logs are searched for personal data at the end, whatever the test was about.
    """
    processes = [
        ServiceProcess(service, place, settings or {}, services[:index].count(service) + 1, without)
        for index, service in enumerate(services)
    ]
    with ExitStack() as stack:
        for process in processes:
            stack.callback(process.stop)
            process.start()
        yield processes
    for process in processes:
        ensure_no_personal_data(process.logs())
