"""A page of documentation as a reader works through it: its commands, in one shell, and what they are said to print."""

from __future__ import annotations

import difflib
import doctest
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

FENCED = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
RUN = "sh"
"""Blocks of this kind are run."""
NOT_RUN = "sh not-run"
"""These cannot be, and the text says so."""
PRINTED = "text"
"""A block of this kind says what the commands before it print; `...` in it stands for anything."""


@dataclass(frozen=True)
class Block:
    """A block of code in a page, with the number of its first line."""

    kind: str
    text: str
    line: int


@dataclass(frozen=True)
class Step:
    """Commands of one block, and what they print, where the page says so."""

    commands: str
    line: int
    printed: str | None


@dataclass(frozen=True)
class Done:
    """What came of a step."""

    step: Step
    output: str
    worked: bool

    @property
    def as_told(self) -> bool:
        """Tell whether the commands worked and printed what the page says."""
        told = self.step.printed
        return self.worked and (told is None or doctest.OutputChecker().check_output(told, self.output, _MASKED))

    def __str__(self) -> str:
        told = (self.step.printed or "").splitlines()
        seen = "\n".join(difflib.unified_diff(told, self.output.splitlines(), "the page", "the commands", lineterm=""))
        return f"line {self.step.line} {'differs' if self.worked else 'failed'}:\n{self.step.commands}\n{seen}"


_MASKED = doctest.ELLIPSIS


def blocks(page: str) -> list[Block]:
    """Return the blocks of code of a page in Markdown."""
    found = FENCED.finditer(page)
    return [Block(match[1].strip(), match[2], page.count("\n", 0, match.start()) + 2) for match in found]


def steps(page: str) -> list[Step]:
    """Return what a page has its reader do."""
    found = blocks(page)
    following = [*found[1:], Block("", "", 0)]
    return [
        Step(block.text, block.line, after.text if after.kind == PRINTED else None)
        for block, after in zip(found, following, strict=True)
        if block.kind == RUN
    ]


def follow(todo: Sequence[Step], folder: Path, environment: Mapping[str, str], *, within: float = 600) -> list[Done]:
    """Do the steps one after the other in one shell, up to the first that fails."""
    with tempfile.TemporaryDirectory() as outputs:
        script = "\n".join(_script(todo, Path(outputs)))
        shell = ["bash", "-eo", "pipefail", "-c", script]
        ended = subprocess.run(
            shell, cwd=folder, env=environment, stdin=subprocess.DEVNULL, timeout=within, check=False
        ).returncode
        begun = [path.read_text(encoding="utf-8") for path in sorted(Path(outputs).iterdir())]
    last = len(begun) - 1
    return [
        Done(step, output, worked=ended == 0 or number < last)
        for number, (step, output) in enumerate(zip(todo, begun, strict=False))
    ]


def _script(todo: Sequence[Step], outputs: Path) -> Iterator[str]:
    for number, step in enumerate(todo):
        yield f"exec >'{outputs}/{number:03}' 2>&1"
        yield step.commands
