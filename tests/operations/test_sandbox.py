"""The sandbox as a second compose project, beside a stack at work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy import __main__ as command
from deploy.compose.stack import ComposeStack
from deploy.settings import Ports
from tests.support.keepsake import instroom


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ComposeStack]:
    """Provide a sandbox in containers that is up, on ports that nobody else has."""
    ports = Ports.free()
    monkeypatch.setenv("STACK", "docker")
    monkeypatch.setattr(command, "SANDBOX_HOME", tmp_path)
    for name, port in ports.model_dump().items():
        monkeypatch.setenv(f"INSTROOM_SANDBOX_{name.upper()}", str(port))
    try:
        assert command.main(["up", "--sandbox"]) == 0
        yield ComposeStack(tmp_path, ports)
    finally:
        assert command.main(["reset", "--sandbox"]) == 0


def test_a_sandbox_is_wiped_while_a_stack_works(stack: ComposeStack, sandbox: ComposeStack) -> None:
    """Each has its own servers, programmes and passwords."""
    assert instroom(sandbox, "audit").returncode == 0
    assert sandbox.passwords() != stack.passwords()
    assert command.main(["reset", "--sandbox"]) == 0
    assert not sandbox.status()
    assert stack.status()
