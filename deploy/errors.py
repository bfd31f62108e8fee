"""What can go wrong when servers are started, in words for the person at the terminal."""

from __future__ import annotations

from pathlib import Path


class StackError(Exception):
    """Servers or services could not be started or stopped; the message says what to do."""


class PortTaken(StackError):
    """Another program listens where ours should."""

    def __init__(self, port: int, purpose: str, setting: str) -> None:
        super().__init__(
            f"Port {port} is taken by another program, and {purpose} needs it. "
            f"Free it, or choose another port with {setting}, in the environment or in .env."
        )


class StartFailed(StackError):
    """A process ended, or kept silent, while it was waited for."""

    def __init__(self, name: str, trouble: str, log: Path) -> None:
        super().__init__(f"{name} {trouble}. The end of its log ({log}):\n\n{last_lines(log)}")


def last_lines(log: Path, count: int = 20) -> str:
    """Return the last lines of a log, indented."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    return "\n".join(f"    {line}" for line in text.splitlines()[-count:]) or "    (empty)"
