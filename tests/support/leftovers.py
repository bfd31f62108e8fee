"""A home directory per test run, and the end of what killed runs left behind."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from deploy.local.daemons import Daemon


@contextmanager
def own_home(scratch: Path) -> Iterator[Path]:
    """Make a home that is held as long as this process lives, and end what ran in it."""
    scratch.mkdir(parents=True, exist_ok=True)
    sweep(scratch)
    with _alone(scratch):
        home = Path(tempfile.mkdtemp(dir=scratch))
        lock = _claim(home)
    with lock:
        try:
            yield home
        finally:
            with _alone(scratch):
                _end(home)


def sweep(scratch: Path) -> None:
    """End the processes and remove the homes of runs that are over."""
    with _alone(scratch):
        for home in scratch.iterdir():
            try:
                with _claim(home):
                    _end(home)
            except BlockingIOError:
                continue


@contextmanager
def _alone(scratch: Path) -> Iterator[None]:
    """Let nobody else make or remove homes for the length of the block: one without its lock looks left behind."""
    folder = os.open(scratch, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _claim(home: Path) -> IO[str]:
    """Hold a home; raises `BlockingIOError` where another process does, and is let go when the process ends."""
    lock = (home / "lock").open("w", encoding="ascii")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise
    return lock


def _end(home: Path) -> None:
    for pid_file in home.glob("run/*.pid"):
        Daemon(pid_file.stem, home).kill()
    shutil.rmtree(home)
