"""What a command shows: lines on standard output, remarks on standard error."""

from __future__ import annotations

import os
import sys

from instroom_checking.trouble import Exit


def printable(text: str) -> str:
    """Make control characters visible, so that what others sent cannot steer the terminal."""
    return "".join(
        character if character.isprintable() or character == "\n" else ascii(character)[1:-1] for character in text
    )


def show(text: str) -> None:
    """Write lines for people."""
    write(printable(text))


def write(line: str) -> None:
    """Write at once, also into a pipe that somebody watches; where its reader has left, end quietly."""
    try:
        print(line, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still buffered goes nowhere
        raise SystemExit(Exit.FINE) from None


def remark(text: str) -> None:
    """Say something to the person at the terminal that is no part of the output."""
    print(printable(text), file=sys.stderr, flush=True)
