"""What reaches the terminal, and what does not."""

from __future__ import annotations

import pytest

from instroom_checking.terminal import printable, show


def test_what_others_sent_cannot_steer_the_terminal() -> None:
    """A message in quarantine may hold escape sequences on purpose."""
    assert printable("a\x1b[2Jb\r\x07é\nc") == "a\\x1b[2Jb\\r\\x07é\nc"


def test_a_reader_that_left_ends_the_command_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    """`instroom watch | head` is no accident."""

    def broken(*_: object, **__: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("builtins.print", broken)
    monkeypatch.setattr("os.dup2", lambda *_: None)
    with pytest.raises(SystemExit) as ended:
        show("a line")
    assert ended.value.code == 0
