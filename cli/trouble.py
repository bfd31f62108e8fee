"""How a command ends: the exit codes, and, as checks have it too, trouble that a person can mend."""

from __future__ import annotations

from enum import IntEnum

from instroom_checking.trouble import Trouble, told, without_password

__all__ = ["EXIT_CODES", "Exit", "Trouble", "told", "without_password"]


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
