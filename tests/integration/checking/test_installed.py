"""Checks by the wheel that an integrator installs, in an environment without anything of a service."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.cli.desk import Desk
from tests.support.place import Place
from tests.support.wheels import built, installed

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the command, installed from its wheel with what that declares to need."""
    home = tmp_path_factory.mktemp("wheels")
    wheels = (built(ROOT / folder, home) for folder in ("contracts", "checking"))
    return installed(home / "site", *wheels) / "instroom-check"


def words(kind: str, fault: str, home: Path) -> list[str]:
    """Return what one types to check a system that keeps what it needs in this folder."""
    home.mkdir()
    system = [sys.executable, "-m", f"tests.integration.cli.systems.{kind}", str(home)]
    return [kind, "--json", "--", *system, *([fault] if fault else [])]


def found(verdict: str) -> dict[str, str]:
    """Return what was looked at, and how it was found to be."""
    return {one["what"]: one["state"] for one in json.loads(verdict)["findings"]}


@pytest.mark.parametrize(("kind", "fault"), [("publisher", ""), ("publisher", "forgets"), ("subscriber", "")])
def test_an_installed_check_finds_what_the_instroom_command_finds(
    command: Path, place: Place, tmp_path: Path, kind: str, fault: str
) -> None:
    """Good systems pass and a fault is seen, whichever of the two commands an integrator has."""
    ran = subprocess.run(
        [command, *words(kind, fault, tmp_path / "installed")],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"RABBITMQ_URL": place.rabbitmq_url_of("integrator")},
    )
    typed = Desk(place).run("integration", "check", *words(kind, fault, tmp_path / "instroom"))
    assert ran.returncode == typed.exit_code == int(bool(fault)), ran.stderr
    assert found(ran.stdout) == found(typed.stdout)
