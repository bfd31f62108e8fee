"""What reaches the terminal, and how."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cli.terminal import show_json, show_table


def test_a_table_takes_markup_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    """Square brackets in an id are no colours."""
    show_table("Things", ("id", "count", "at"), [("[red]x[/red]", 3, None)])
    out = capsys.readouterr().out
    assert "[red]x[/red]" in out
    assert out.split()[-1] == "-"


def test_an_empty_table_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """Silence could be a failure."""
    show_table("Quarantine", ("id",), [])
    assert capsys.readouterr().out == "Quarantine: none\n\n"


def test_long_ids_are_not_cut_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    """What is piped into grep must be whole."""
    show_table("Things", ("a", "b"), [("x" * 80, "y" * 80)])
    assert "x" * 80 in capsys.readouterr().out


def test_json_is_one_line_with_times_as_the_wire_has_them(capsys: pytest.CaptureFixture[str]) -> None:
    """Another program reads it line by line."""
    show_json({"at": datetime(2021, 5, 20, tzinfo=UTC), "raw": b"\xff", "naam": "Gézieta"})
    assert capsys.readouterr().out == '{"at": "2021-05-20T00:00:00+00:00", "raw": "\\\\xff", "naam": "Gézieta"}\n'
    with pytest.raises(TypeError):
        show_json(object())
