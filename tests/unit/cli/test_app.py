"""The command as a whole."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from cli.app import app

COMMANDS = [
    ["request"],
    ["cancel"],
    ["watch"],
    ["status"],
    ["audit"],
    ["catalog", "load"],
    ["catalog", "republish"],
    ["quarantine", "list"],
    ["quarantine", "show"],
    ["quarantine", "replay"],
    ["quarantine", "drop"],
    ["integration", "check", "publisher"],
    ["integration", "check", "subscriber"],
    ["mails", "list"],
    ["mails", "release"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_has_an_example_and_the_exit_codes(command: list[str]) -> None:
    """Help is read at night, by somebody who has never used the command."""
    shown = CliRunner().invoke(app, [*command, "--help"]).stdout
    assert f"  instroom {' '.join(command)}" in shown
    assert "Exit codes:" in shown


def test_help_names_every_command() -> None:
    """What is not named is not found."""
    shown = CliRunner().invoke(app, ["--help"]).stdout
    assert all(command[0] in shown for command in COMMANDS)
