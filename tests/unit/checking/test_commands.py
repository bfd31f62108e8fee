"""The commands, under whatever name they are had."""

from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner

from instroom_checking.commands import checks
from instroom_checking.trouble import Exit, Trouble


def nowhere(_: typer.Context) -> str:
    """Find no broker."""
    raise Trouble("There is no broker.", Exit.UNREACHABLE)


@pytest.mark.parametrize("program", ["instroom-check", "instroom integration check"])
@pytest.mark.parametrize("kind", ["publisher", "subscriber"])
def test_help_has_examples_by_the_name_that_was_typed(program: str, kind: str) -> None:
    """They are copied as they stand."""
    shown = CliRunner().invoke(checks(program, nowhere), [kind, "--help"]).stdout
    assert f"  {program} {kind} -- python " in shown
    assert "Exit codes:" in shown
    assert f" {kind} [OPTIONS] [-- COMMAND]..." in shown
    assert not {"{", "<"} & set(shown)


@pytest.mark.parametrize("kind", ["publisher", "subscriber"])
def test_who_has_the_commands_says_where_the_broker_is(kind: str) -> None:
    """The `instroom` command looks into a stack's file, `instroom-check` into the environment alone."""
    result = CliRunner().invoke(checks("x", nowhere), [kind, "--", "true"])
    assert (result.exit_code, result.stderr) == (Exit.UNREACHABLE, "instroom: There is no broker.\n")


@pytest.mark.parametrize("listen", ["18590", ":18590", "127.0.0.1:", "127.0.0.1:http"])
def test_where_to_listen_is_a_host_and_a_port(listen: str) -> None:
    """A system elsewhere is to reach it there."""
    result = CliRunner().invoke(checks("x", lambda _: "amqp://127.0.0.1:1"), ["publisher", "--listen", listen])
    assert (result.exit_code, f"not '{listen}'" in result.stderr) == (Exit.INVALID, True)
