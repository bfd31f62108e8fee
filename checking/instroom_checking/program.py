"""The program under test, where the check is to run it: started, started again when it ended, and stopped."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from instroom_checking.trouble import Trouble

STOP_WITHIN_S = 5.0
STANDARD_ERROR = 2


@dataclass
class Program:
    """A command that finds its broker in RABBITMQ_URL; what it prints goes to standard error.

    `ended` is called when it ends by itself, with its exit code.
    """

    command: Sequence[str]
    address: str
    ended: Callable[[int], None] = lambda _: None
    _process: asyncio.subprocess.Process | None = None
    _watching: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def runs(self) -> bool:
        """Tell whether it runs."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start it, in a process group of its own. Raises `Trouble` where it cannot be started."""
        environment = {**os.environ, "RABBITMQ_URL": self.address}
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self.command, env=environment, stdout=STANDARD_ERROR, start_new_session=True
            )
        except OSError as error:
            raise Trouble(f"{self.command[0]} cannot be started: {error.strerror}.") from error
        task = asyncio.create_task(self._watch(self._process))
        self._watching.add(task)
        task.add_done_callback(self._watching.discard)

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        code = await process.wait()
        if process is self._process:
            self.ended(code)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._signal(signal.SIGKILL)

    async def stop(self) -> None:
        """Ask it to end, and end it where it does not."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        _signal(process, signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_WITHIN_S):
                await process.wait()
        except TimeoutError:
            _signal(process, signal.SIGKILL)
            await process.wait()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            _signal(self._process, number)


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
