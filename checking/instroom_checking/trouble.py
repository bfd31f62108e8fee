"""How a check ends: the exit codes, and the one exception for trouble that a person can mend."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from urllib.parse import unquote, urlsplit

import typer


class Exit(IntEnum):
    """What the exit code of a check says; in the `instroom` command, which has more of them, it says the same."""

    FINE = 0
    BROKEN = 1
    INVALID = 2
    UNREACHABLE = 6


EXIT_CODES = """\
Exit codes: 0 nothing is wrong; 1 something is not ok; 2 what was given is not valid; 6 the broker is away, refused the
login, or is not configured."""


class Trouble(Exception):
    """Something that a person can mend: said in one or two sentences on standard error, without a traceback."""

    def __init__(self, message: str, exit: IntEnum = Exit.INVALID) -> None:
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


def without_password(url: str) -> str:
    """Name a server for a message to people: user, host and port, never the password."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{unquote(parts.username)} at {host}" if parts.username else host
