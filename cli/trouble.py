"""How a command ends: the exit codes, and the one exception for trouble that a person can mend."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

import typer


class Exit(IntEnum):
    """What a command's exit code says; the same number means the same in every command."""

    FINE = 0
    BROKEN = 1
    INVALID = 2
    QUEUED = 3
    REJECTED = 4
    NO_ANSWER = 5
    UNREACHABLE = 6


EXIT_CODES = """\
Exit codes: 0 done (a request: confirmed); 1 a promise is broken, or you answered no; 2 what was given is not valid and
was not sent; 3 queued; 4 rejected or refused; 5 no answer in time; 6 a server is away, refused the login, or is not
configured. Where a command has several outcomes, the highest code counts."""


class Trouble(Exception):
    """Something that a person can mend: said in one or two sentences on standard error, without a traceback."""

    def __init__(self, message: str, exit: Exit = Exit.INVALID) -> None:
        super().__init__(message)
        self.exit = exit


@contextmanager
def told() -> Iterator[None]:
    """Tell trouble to the person at the terminal and end with its exit code; also a decorator of commands."""
    try:
        yield
    except Trouble as trouble:
        print(f"instroom: {trouble}", file=sys.stderr)
        raise typer.Exit(trouble.exit) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
