"""The commands: what is asked for and does not exist is said, not guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.__main__ import main
from deploy.kinds import kind_of


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


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Provide an engine that lacks these images."""
    missing: list[str] = []
    monkeypatch.delenv("STACK", raising=False)
    monkeypatch.setattr("deploy.kinds.engine_answers", lambda: True)
    monkeypatch.setattr("deploy.kinds.missing_images", lambda _: missing)
    return missing


def test_containers_are_taken_where_they_are_possible(tmp_path: Path, engine: list[str]) -> None:
    """An operator's machine has an engine; what is asked of a stack that is not there makes none."""
    assert kind_of(tmp_path, is_wanted=True) == "docker"
    assert kind_of(tmp_path, is_wanted=False) == "local"


def test_where_an_image_cannot_be_had_it_is_said_and_processes_are_taken(
    tmp_path: Path, engine: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A network without a hub is no reason not to start."""
    engine.append("mongo:8.2.3")
    assert kind_of(tmp_path, is_wanted=True) == "local"
    assert "mongo:8.2.3 cannot be pulled" in capsys.readouterr().out


def test_a_stack_stays_of_the_kind_that_it_was_made(tmp_path: Path, engine: list[str]) -> None:
    """Its data would not be there in the other."""
    (tmp_path / "ports.json").touch()
    assert kind_of(tmp_path, is_wanted=True) == "local"
    (tmp_path / "images.json").touch()
    assert kind_of(tmp_path, is_wanted=True) == "docker"


def test_without_an_engine_nothing_is_said(
    tmp_path: Path, engine: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Most machines of developers have none."""
    monkeypatch.setattr("deploy.kinds.engine_answers", lambda: False)
    assert kind_of(tmp_path, is_wanted=True) == "local"
    assert capsys.readouterr().out == ""
