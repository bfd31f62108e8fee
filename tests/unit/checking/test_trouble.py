"""How trouble reaches the person."""

from __future__ import annotations

import pytest
import typer

from instroom_checking.trouble import EXIT_CODES, Exit, Trouble, told, without_password


def test_trouble_is_one_sentence_and_an_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    """No traceback for what a person can mend."""
    with pytest.raises(typer.Exit) as ended, told():
        raise Trouble("RabbitMQ does not answer.", Exit.UNREACHABLE)
    assert ended.value.exit_code == Exit.UNREACHABLE
    assert capsys.readouterr().err == "instroom: RabbitMQ does not answer.\n"


def test_every_exit_code_is_documented() -> None:
    """Scripts are written against the help text."""
    assert all(str(code.value) in EXIT_CODES for code in Exit)


def test_a_server_is_shown_without_its_password() -> None:
    """Messages end up in tickets."""
    assert without_password("amqp://operator:s%2Fcret@host:5672/instroom") == "operator at host:5672"
    assert without_password("mongodb://host:27017/?replicaSet=rs0") == "host:27017"
