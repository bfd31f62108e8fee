"""What integrators install: a wheel built without a network, that needs two packages and holds what it promises."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from instroom_contracts.schemas import FOLDER, SAMPLES, sample, schema
from instroom_contracts.topology import TYPES
from tests.support.wheels import built, contents, installed, metadata

PROJECT = FOLDER.parent
USE = """
import importlib, json, pkgutil, sys
import instroom_contracts
for module in pkgutil.iter_modules(instroom_contracts.__path__):
    importlib.import_module(f"instroom_contracts.{module.name}")
from instroom_contracts.cloudevent import STRUCTURED, decode
from instroom_contracts.schemas import FOLDER, sample, schema
from instroom_contracts.topology import TYPES
assert FOLDER.is_relative_to(sys.prefix)
read = {}
for type, listed in TYPES.items():
    event = decode(sample(type), model=listed.model, content_type=STRUCTURED)
    assert schema(type) == json.loads((FOLDER / f"{type}.json").read_text(encoding="utf-8"))
    read[event.type] = schema(type)["$id"]
print(json.dumps(read))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel."""
    return built(PROJECT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def python(wheel: Path) -> Path:
    """Return a Python that has the wheel, pydantic and idna, and nothing else."""
    return installed(wheel.parent / "site", wheel) / "python"


def use(python: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run a program."""
    options = ("-I", "-W", "error", "-c")
    return subprocess.run([python, *options, script], check=False, capture_output=True, text=True)


def test_a_wheel_holds_the_package_with_types_schemas_and_samples(wheel: Path) -> None:
    """Who installs it needs no clone; what makes and checks it stays in the clone."""
    data = {f"instroom_contracts/data/{kind}/{type}.json" for kind in ("schemas", "samples") for type in TYPES}
    modules = {f"instroom_contracts/{path.name}" for path in (PROJECT / "instroom_contracts").glob("*.py")}
    assert contents(wheel) == {"instroom_contracts/py.typed", *data, *modules}


def test_a_wheel_says_what_it_is_and_needs(wheel: Path) -> None:
    """Two packages, and no broker library: the integrator brings the one they like."""
    said = metadata(wheel)
    assert said.get_all("Requires-Dist") == ["idna<4,>=3.10", "pydantic<3,>=2.12"]
    assert (said["License-Expression"], said["License-File"]) == ("Apache-2.0", "LICENSE")


def test_an_installed_wheel_reads_every_sample(python: Path) -> None:
    """Beside these two alone, in a Python that sees nothing else of this project."""
    ran = use(python, USE)
    assert ran.stderr == ""
    assert json.loads(ran.stdout) == {type: f"urn:nld:instroom:schema:{type}" for type in TYPES}


def test_a_program_there_sees_nothing_else(python: Path) -> None:
    """The twin: other packages of the project's environment are out of reach, else the test above proves nothing."""
    assert "ModuleNotFoundError" in use(python, f"{USE}\nimport aio_pika").stderr


def test_schemas_and_samples_are_there_in_a_clone_too() -> None:
    """The same two functions work for who develops the contract."""
    assert FOLDER.parent == SAMPLES.parent == PROJECT
    for type in TYPES:
        assert json.loads(sample(type))["type"] == schema(type)["title"] == type
    with pytest.raises(KeyError):
        sample("../schemas/nl.enrolments.session-full.v1")


def test_the_license_is_the_same_as_the_project_s() -> None:
    """A package carries its own copy."""
    assert (PROJECT / "LICENSE").read_bytes() == (PROJECT.parent / "LICENSE").read_bytes()
