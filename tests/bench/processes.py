"""The processes that are measured: started as an operator would, watched through /proc, stopped by their id."""

from __future__ import annotations

import asyncio
import inspect
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).parents[2]
STOP_WITHIN_S = 30.0
LINES = 20


@dataclass(frozen=True, eq=False)
class Program:
    """A Python module to run, what it is called in the figures, its intake queue, and its environment."""

    name: str
    module: str
    queue: str
    env: Mapping[str, str] = field(default_factory=dict)


class Ended(Exception):
    """A process that was to be measured ended or stopped answering."""


@dataclass(frozen=True)
class Process:
    """A running program, and the file with what it prints."""

    program: Program
    popen: subprocess.Popen[bytes]
    log: Path

    def ensure_alive(self) -> None:
        """Raise `Ended`, with the end of its log, where it runs no more."""
        if self.popen.poll() is not None:
            self.fail(f"ended with status {self.popen.returncode}")

    def fail(self, trouble: str) -> NoReturn:
        """Raise `Ended` with the end of its log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-LINES:]
        raise Ended(f"{self.program.name} {trouble}. The end of its log ({self.log}):\n" + "\n".join(lines))

    async def until(self, check: Callable[[], bool | Awaitable[bool]], *, within: float = 30.0) -> None:
        """Wait until `check` holds; raise `Ended` where that takes longer than `within` seconds."""
        deadline = time.monotonic() + within
        while not (await answer if inspect.isawaitable(answer := check()) else answer):
            self.ensure_alive()
            if time.monotonic() > deadline:
                self.fail(f"did not come to the point that was waited for within {within:.0f} s")
            await asyncio.sleep(0.05)

    def peak_rss_mib(self) -> float:
        """Return the most memory that it ever had resident, in MiB."""
        return peak_rss_mib(self.popen.pid)


def peak_rss_mib(pid: int) -> float:
    """Return the most memory that a process ever had resident, in MiB (proc(5), VmHWM)."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    match = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    assert match is not None
    return int(match[1]) / 1024


@contextmanager
def running(program: Program, logs: Path, *, profile: Path | None = None) -> Iterator[Process]:
    """Run a program for the length of the block; with `profile`, under cProfile, which writes that file at the end."""
    profiler = ["-m", "cProfile", "-o", str(profile)] if profile else []
    log = logs / f"{program.name}.log"
    with log.open("wb") as out:
        popen = subprocess.Popen(
            [sys.executable, *profiler, "-m", program.module],
            env={**os.environ, **program.env},
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Process(program, popen, log)
    finally:
        _stop(popen, signal.SIGINT if profile else signal.SIGTERM)  # cProfile writes on a KeyboardInterrupt only


def _stop(popen: subprocess.Popen[bytes], how: signal.Signals) -> None:
    popen.send_signal(how)
    try:
        popen.wait(STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        popen.kill()
        popen.wait()
