"""The sandbox beside a stack at work: whatever is tried in the one, the other goes on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from typer.testing import CliRunner

from cli.app import app
from deploy import __main__ as command
from deploy.local.stack import LocalStack
from deploy.settings import Ports, SandboxPorts


def addresses(home: Path) -> dict[str, str]:
    """Read where a stack is, as another program would."""
    lines = (home / "stack.env").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", maxsplit=1) for line in lines)


def editions(home: Path) -> int:
    """Count the editions that a stack's catalogue holds."""
    with MongoClient[dict[str, Any]](addresses(home)["MONGO_URL"]) as client:
        return client["instroom_catalog"]["editions"].count_documents({})


def clock(home: Path, *words: str) -> tuple[int, str]:
    """Set a stack's clock as a person would; return the exit code, and what the command says."""
    done = CliRunner().invoke(app, ["--env-file", str(home / "stack.env"), "clock", *words])
    return done.exit_code, done.output


def is_ahead(home: Path) -> bool:
    """Say whether a stack's clock is ahead of the real time."""
    return datetime.fromisoformat(clock(home, "show")[1].strip()) - datetime.now(UTC) > timedelta(hours=23)


@pytest.fixture
def at_work(tmp_path: Path) -> Iterator[LocalStack]:
    """Provide a stack that is not the sandbox."""
    stack = LocalStack.of(tmp_path / "work", Ports.free())
    stack.up()
    yield stack
    stack.reset()


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Provide the home of a sandbox of local processes, on ports that nobody else has."""
    home = tmp_path / "sandbox"
    monkeypatch.setenv("STACK", "local")
    monkeypatch.setattr(command, "SANDBOX_HOME", home)
    for name, port in Ports.free().model_dump().items():
        monkeypatch.setenv(f"INSTROOM_SANDBOX_{name.upper()}", str(port))
    yield home
    assert command.main(["reset", "--sandbox"]) == 0


def test_a_sandbox_is_wiped_while_a_stack_works(at_work: LocalStack, sandbox: Path) -> None:
    """Somebody may reset it at any hour; its address stays the same, so that it can be written down."""
    known = editions(at_work.home)
    assert command.main(["up", "--sandbox"]) == 0
    port = SandboxPorts().amqp_port
    assert f":{port}/" in addresses(sandbox)["RABBITMQ_URL"]
    assert editions(sandbox) == known > 0

    assert clock(sandbox, "advance", "1d")[0] == 0
    assert is_ahead(sandbox)
    code, said = clock(at_work.home, "advance", "1d")
    assert (code, "cannot be set" in said) == (2, True)

    assert command.main(["reset", "--sandbox"]) == 0
    assert not (sandbox / "data").exists()
    assert at_work.is_up()
    assert editions(at_work.home) == known

    assert command.main(["up", "--sandbox"]) == 0
    assert f":{port}/" in addresses(sandbox)["RABBITMQ_URL"]
    assert not is_ahead(sandbox)
    assert at_work.is_up()
