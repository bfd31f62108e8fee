"""The commands: what is asked for and does not exist is said, not guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.local.__main__ import main


def test_an_unknown_kind_of_stack_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A person who asks for another engine must not get local processes without a word."""
    monkeypatch.setenv("STACK", "podman")
    assert main(["status", "--home", str(tmp_path)]) == 1
    assert "is not known" in capsys.readouterr().err


def test_a_stack_that_was_never_started_can_be_stopped_and_wiped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`make down` and `make reset` may be said at any time."""
    monkeypatch.delenv("STACK", raising=False)
    for command in ("down", "reset", "down"):
        assert main([command, "--home", str(tmp_path)]) == 0


def test_the_logs_of_a_stack_that_was_never_started_are_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The person learns what to do instead."""
    monkeypatch.delenv("STACK", raising=False)
    assert main(["logs", "--home", str(tmp_path)]) == 1
    assert "make up" in capsys.readouterr().err
