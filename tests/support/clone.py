"""A clone of this repository as a stranger has it: no stack yet, nothing in the environment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.homes import ROOT
from deploy.settings import Ports
from tests.support.running import IMAGE

LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", ".local", "build", "dist", "node_modules", "__pycache__", ".*_cache", ".env", "*.sqlite"
)
OF_THIS_RUN = ("RABBITMQ_", "MONGO_", "SMTP_", "MAKE", "MFLAGS", "VIRTUAL_ENV", "PYTHON")
"""What the run of the tests has in its environment and a stranger has not."""


@dataclass(frozen=True)
class Clone:
    """A folder with the repository in it, and the environment of a shell there."""

    folder: Path
    environment: Mapping[str, str]

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command there; what it prints is in `stdout`, complaints included."""
        captured = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.run(command, cwd=self.folder, env=self.environment, check=False, **captured)  # type: ignore[call-overload, no-any-return]

    def said(self, *command: str) -> str:
        """Run a command that must succeed; return what it prints."""
        done = self.run(*command)
        assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}"
        return str(done.stdout)


@contextmanager
def cloned(home: Path) -> Iterator[Clone]:
    """Copy the repository; the stack that is started there is wiped in the end.

    `make` does not set up again: the run's own .venv serves the clone. The stack is in containers where the run is.
    """
    folder = home / "instroom"
    shutil.copytree(ROOT, folder, ignore=LEFT_OUT, symlinks=True)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    clone = Clone(folder, _environment(_commands(home / "bin")))
    try:
        yield clone
    finally:
        clone.said("make", "reset")


@contextmanager
def checked_out(home: Path, commit: str, **environment: str) -> Iterator[Clone]:
    """Clone the repository at an earlier commit, to be set up and run by that; its stack is wiped in the end.

    `git checkout -` in it brings the commit that this repository is at. Raises `AssertionError` where a
    shallow clone lacks the earlier one.
    """
    clone = Clone(home / "instroom", {**_environment(), **environment})
    here = Clone(ROOT, clone.environment)
    lacking = f"This clone ends before {commit}. Deepen it: git fetch --unshallow"
    assert here.run("git", "cat-file", "-e", f"{commit}^{{commit}}").returncode == 0, lacking
    here.said("git", "clone", "--quiet", "--no-checkout", str(ROOT), str(clone.folder))
    clone.said("git", "checkout", "--quiet", commit)
    try:
        yield clone
    finally:
        clone.said("make", "reset")


def _commands(folder: Path) -> Path:
    """Provide the commands that a stranger has: python3, Node.js, and a make that finds everything set up."""
    folder.mkdir()
    (folder / "python3").symlink_to(sys._base_executable)  # type: ignore[attr-defined]
    for name in ("node", "npm"):
        (folder / name).symlink_to(ROOT / ".venv/bin" / name)
    make = folder / "make"
    make.write_text(f'#!/bin/sh\nexec "{shutil.which("make")}" --no-print-directory --old-file=setup "$@"\n')
    make.chmod(0o755)
    return folder


def _environment(*commands: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OF_THIS_RUN)}
    path = [*map(str, commands), *(place for place in os.environ["PATH"].split(":") if not place.startswith(str(ROOT)))]
    ports = {f"INSTROOM_{field.upper()}": str(port) for field, port in Ports.free().model_dump().items()}
    return {**kept, **ports, "STACK": "docker" if IMAGE else "local", "PATH": ":".join(path)}
