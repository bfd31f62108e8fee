"""The examples as programs that run: where they lie, how one is started, killed, and run without a guard."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class Language:
    """The examples in one language: what runs them, and a folder with a copy of them."""

    name: str
    interpreter: Path
    folder: Path
    suffix: str

    def program(self, name: str) -> Program:
        """Return an example by its name."""
        return Program(self, self.folder / f"{name}{self.suffix}")


@dataclass(frozen=True)
class Program:
    """One example."""

    language: Language
    file: Path

    def without(self, guard: str, instead: str) -> Self:
        """Return a copy that has something else in the place of a guard."""
        text = self.file.read_text(encoding="utf-8")
        assert guard in text, f"{self.file.name} has no '{guard}'"
        weakened = self.file.with_stem(f"{self.file.stem}-weakened")
        weakened.write_text(text.replace(guard, instead), encoding="utf-8")
        return type(self)(self.language, weakened)

    def run(self, url: str, *arguments: str, folder: Path) -> str:
        """Run it to its end against a broker; return what it printed."""
        command = [str(self.language.interpreter), str(self.file), *arguments]
        done = subprocess.run(
            command, cwd=folder, env=_environment(url), capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    @contextmanager
    def running(self, url: str, folder: Path) -> Iterator[Running]:
        """Run it in the background for the length of the block."""
        printed = folder / "printed.txt"
        with printed.open("a", encoding="utf-8") as output:
            command = [str(self.language.interpreter), str(self.file)]
            process = subprocess.Popen(command, cwd=folder, env=_environment(url), stdout=output, stderr=output)
        try:
            yield Running(process, printed)
        finally:
            process.kill()
            process.wait()


@dataclass(frozen=True)
class Running:
    """An example that runs."""

    process: subprocess.Popen[bytes]
    output: Path

    def kill(self) -> None:
        """End it with SIGKILL, in whatever it was doing."""
        self.process.kill()
        self.process.wait()

    def printed(self) -> str:
        """Return what it printed so far; raise `AssertionError` where it ended by itself."""
        text = self.output.read_text(encoding="utf-8")
        assert self.process.poll() in {None, -9}, f"it ended: {text}"
        return text


def _environment(url: str) -> dict[str, str]:
    return {**os.environ, "RABBITMQ_URL": url, "PYTHONDONTWRITEBYTECODE": "1"}
