"""The command as a whole."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.app import COMMANDS, app

TYPED = [
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
    ["integrator", "add"],
    ["integrator", "list"],
    ["integrator", "remove"],
    ["integrator", "close"],
    ["free"],
    ["answer"],
    ["integration", "check", "publisher"],
    ["integration", "check", "subscriber"],
    ["clock", "show"],
    ["clock", "set"],
    ["clock", "advance"],
    ["mails", "list"],
    ["mails", "release"],
]


def shown(*words: str) -> str:
    """Return what a command shows of itself."""
    result = CliRunner().invoke(app, [*words, "--help"])
    assert result.exit_code == 0
    return result.stdout


@pytest.mark.parametrize("command", TYPED, ids=" ".join)
def test_help_has_an_example_and_the_exit_codes(command: list[str]) -> None:
    """Help is read at night, by somebody who has never used the command."""
    assert f"  instroom {' '.join(command)}" in shown(*command)
    assert "Exit codes:" in shown(*command)


@pytest.mark.parametrize("command", TYPED, ids=" ".join)
def test_help_says_what_to_type_and_not_its_type(command: list[str]) -> None:
    """Nobody who asks for a place knows what `<list[str]>` is."""
    assert "<" not in shown(*command).partition("\nOptions:")[2]
    assert "<" not in shown(*command).partition("\nArguments:")[2].partition("\nOptions:")[0]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_names_every_command_with_what_it_is_for(name: str) -> None:
    """What is not named is not found; and the list must not say something else than the command."""
    assert re.search(rf"^  {name} +[^.]+\.$", shown(), re.MULTILINE), "it should fit into a line"
    purpose = COMMANDS[name][1].rstrip(".")
    assert purpose in " ".join(shown(name).split())


def test_a_command_that_is_spelt_wrongly_is_suggested() -> None:
    """Who types `stats` wants `status`."""
    result = CliRunner().invoke(app, ["stats"])
    assert (result.exit_code, "Did you mean 'status'?" in result.stderr) == (2, True)


def test_what_runs_is_named() -> None:
    """The first question of whoever gets a report."""
    assert CliRunner().invoke(app, ["--version"]).stdout == f"instroom {version('instroom')}\n"


@pytest.mark.parametrize("words", [["--env-file", "FILE", "status"], ["status", "--env-file", "FILE"]], ids=" ".join)
def test_the_servers_file_is_taken_before_a_command_and_behind_it(words: list[str], tmp_path: Path) -> None:
    """Nobody remembers which of the two it was."""
    file = tmp_path / "stack.env"
    result = CliRunner().invoke(app, [str(file) if word == "FILE" else word for word in words])
    assert (result.exit_code, f"{file} cannot be read" in result.stderr) == (6, True)


def test_help_waits_for_no_library_of_a_command() -> None:
    """Drivers of broker and database take ten times as long to import as all of the list takes to show."""
    code = "import cli.app, sys; cli.app.app(['--help'], standalone_mode=False); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "typer" in loaded
    assert not {"aio_pika", "motor", "pymongo", "pydantic", "rich.table"} & set(loaded)
