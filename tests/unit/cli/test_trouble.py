"""How a command ends."""

from __future__ import annotations

from cli.trouble import EXIT_CODES, Exit
from instroom_checking import trouble


def test_every_exit_code_is_documented() -> None:
    """Scripts are written against the help text."""
    assert all(str(code.value) in EXIT_CODES for code in Exit)


def test_the_exit_codes_of_a_check_are_among_them() -> None:
    """A script need not know by which of the two commands a check was run."""
    assert {code.name: code.value for code in trouble.Exit}.items() <= {code.name: code.value for code in Exit}.items()
