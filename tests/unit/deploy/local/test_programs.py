"""Programs: what is missing is named, with the setting that mends it."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.errors import StackError
from deploy.local.programs import Programs


def test_missing_programs_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where RabbitMQ is not installed, the person learns what to run or to set."""
    monkeypatch.setenv("INSTROOM_RABBITMQ_SERVER", str(tmp_path / "nothing"))
    with pytest.raises(StackError, match=r"deploy/bootstrap.*INSTROOM_RABBITMQ_SERVER"):
        Programs().find_rabbitmq()
