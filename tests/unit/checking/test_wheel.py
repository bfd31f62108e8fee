"""What an integrator installs to check a system: two wheels, an AMQP client and the terminal's library."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.wheels import built, contents, installed, metadata

ROOT = Path(__file__).parents[3]
PROJECT = ROOT / "checking"
OF_SERVICES = ("chassis", "cli", "faststream", "motor", "opentelemetry", "pymongo", "structlog", "uvloop")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel."""
    return built(PROJECT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def programs(wheel: Path) -> Path:
    """Return the programs of an environment that has the wheel, what it declares to need, and nothing else."""
    return installed(wheel.parent / "site", built(ROOT / "contracts", wheel.parent), wheel)


def run(program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program with an empty environment."""
    return subprocess.run([program, *arguments], check=False, capture_output=True, text=True, env={})


def test_a_wheel_holds_the_package_with_its_types(wheel: Path) -> None:
    """Who installs it needs no clone."""
    modules = {f"instroom_checking/{path.name}" for path in (PROJECT / "instroom_checking").glob("*.py")}
    assert contents(wheel) == {"instroom_checking/py.typed", *modules}


def test_a_wheel_says_what_it_is_and_needs(wheel: Path) -> None:
    """What a service needs is not for an integrator to install."""
    said = metadata(wheel)
    names = {line.partition("<")[0].partition(">")[0] for line in said.get_all("Requires-Dist", ())}
    assert names == {"aio-pika", "aiormq", "instroom-contracts", "pamqp", "typer"}
    assert (said["License-Expression"], said["License-File"]) == ("Apache-2.0", "LICENSE")


@pytest.mark.parametrize("kind", ["publisher", "subscriber"])
def test_an_installed_check_tells_how_to_use_it(programs: Path, kind: str) -> None:
    """By the name under which it was installed: who copies the example runs it."""
    shown = run(programs / "instroom-check", kind, "--help")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert f"  instroom-check {kind} -- " in shown.stdout


def test_an_installed_check_says_what_it_lacks(programs: Path) -> None:
    """It has no stack's file to look into; the first thing that a new user sees is this message."""
    ran = run(programs / "instroom-check", "publisher", "--", "true")
    assert (ran.returncode, "RABBITMQ_URL is not set" in ran.stderr) == (6, True)


@pytest.mark.parametrize("package", OF_SERVICES)
def test_nothing_of_a_service_is_there(programs: Path, package: str) -> None:
    """The twin: what this run has besides is out of reach there, else the tests above prove nothing."""
    assert "ModuleNotFoundError" in run(programs / "python", "-I", "-c", f"import {package}").stderr


def test_the_license_is_the_same_as_the_project_s() -> None:
    """A package carries its own copy."""
    assert (PROJECT / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
