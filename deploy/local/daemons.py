"""Processes in the background that are ours: started in a session of their own, found again and ended by their id."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import StackError, StartFailed

_children: dict[int, subprocess.Popen[bytes]] = {}
"""What this process started itself, and must therefore wait for when it ends."""


@dataclass(frozen=True)
class Daemon:
    """One background process of a home directory: `run/NAME.pid` says who it is, `log/NAME.log` what it said."""

    name: str
    home: Path

    @property
    def pid_file(self) -> Path:
        """Hold the process id and the moment the process began, which together are nobody else's."""
        return self.home / "run" / f"{self.name}.pid"

    @property
    def log_file(self) -> Path:
        """Hold what the process wrote since it was last started."""
        return self.home / "log" / f"{self.name}.log"

    def start(self, command: Sequence[str], env: Mapping[str, str], cwd: Path | None = None) -> None:
        """Start the command, unless it runs already."""
        if self.pid() is not None:
            return
        for file in (self.pid_file, self.log_file):
            file.parent.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("wb") as log:
            child = subprocess.Popen(
                command,
                env=dict(env),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        _children[child.pid] = child
        self.pid_file.write_text(f"{child.pid} {_began(child.pid)}\n", encoding="ascii")

    def pid(self) -> int | None:
        """Return the process id while the process runs, and is the one that was started here."""
        recorded = self._recorded()
        if recorded is None:
            return None
        pid, began = recorded
        return pid if _began(pid) == began else None

    def wait_until(self, ready: Callable[[], bool], within: float = 60) -> None:
        """Wait until `ready()`; raise `StartFailed` with the end of the log where that takes too long (seconds)."""
        deadline = time.monotonic() + within
        while not ready():
            if self.pid() is None:
                raise StartFailed(self.name, "ended while it was starting", self.log_file)
            if time.monotonic() > deadline:
                raise StartFailed(self.name, f"was not ready after {within:.0f} s", self.log_file)
            time.sleep(0.05)

    def terminate(self) -> None:
        """Ask the process to stop; `join` waits for it."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the process and its children at once, as a power cut would."""
        self._signal(signal.SIGKILL)
        self.join(within=10)

    def join(self, within: float = 30) -> None:
        """Wait until the process has ended, and forget it; after `within` seconds it is killed."""
        if not self._ends(within):
            self._signal(signal.SIGKILL)
            if not self._ends(10):
                raise StackError(f"{self.name} (process {self.pid()}) cannot be ended.")
        self._forget()

    def _forget(self) -> None:
        recorded = self._recorded()
        if recorded is not None and recorded[0] in _children:
            _children.pop(recorded[0]).wait()
        self.pid_file.unlink(missing_ok=True)

    def _recorded(self) -> tuple[int, str] | None:
        try:
            pid, began = self.pid_file.read_text(encoding="ascii").split()
        except (FileNotFoundError, ValueError):
            return None
        return int(pid), began

    def _ends(self, within: float) -> bool:
        deadline = time.monotonic() + within
        while self.pid() is not None and time.monotonic() < deadline:
            time.sleep(0.02)
        return self.pid() is None

    def _signal(self, number: signal.Signals) -> None:
        pid = self.pid()
        if pid is None:
            return
        try:
            os.killpg(pid, number) if number == signal.SIGKILL else os.kill(pid, number)
        except ProcessLookupError:
            return


def _began(pid: int) -> str | None:
    """Return when a living process began: the boot it belongs to and the clock ticks since then (proc(5), stat, 22)."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return None if state in {"Z", "X"} else f"{boot}/{fields[18]}"
