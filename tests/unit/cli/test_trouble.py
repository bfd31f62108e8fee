"""How trouble reaches the person."""

from __future__ import annotations

import pytest
import typer

from cli.trouble import EXIT_CODES, Exit, Trouble, told


def test_trouble_is_one_sentence_and_an_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    """No traceback for what a person can mend."""
    with pytest.raises(typer.Exit) as ended, told():
        raise Trouble("RabbitMQ does not answer.", Exit.UNREACHABLE)
    assert ended.value.exit_code == Exit.UNREACHABLE
    assert capsys.readouterr().err == "instroom: RabbitMQ does not answer.\n"


def test_every_exit_code_is_documented() -> None:
    """Scripts are written against the help text."""
    assert all(str(code.value) in EXIT_CODES for code in Exit)
