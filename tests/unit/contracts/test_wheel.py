"""What integrators install: a wheel built without a network, that needs two packages and holds what it promises."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest

from instroom_contracts.schemas import FOLDER, SAMPLES, sample, schema
from instroom_contracts.topology import TYPES

PROJECT = FOLDER.parent
NEEDED = ("pydantic", "pydantic_core", "annotated_types", "typing_inspection", "typing_extensions.py", "idna")
USE = """
import importlib, json, pkgutil, sys
sys.path.insert(0, sys.argv[1])
import instroom_contracts
for module in pkgutil.iter_modules(instroom_contracts.__path__):
    importlib.import_module(f"instroom_contracts.{module.name}")
from instroom_contracts.cloudevent import STRUCTURED, decode
from instroom_contracts.schemas import FOLDER, sample, schema
from instroom_contracts.topology import TYPES
assert FOLDER.is_relative_to(sys.argv[1])
read = {}
for type, listed in TYPES.items():
    event = decode(sample(type), model=listed.model, content_type=STRUCTURED)
    assert schema(type) == json.loads((FOLDER / f"{type}.json").read_text(encoding="utf-8"))
    read[event.type] = schema(type)["$id"]
print(json.dumps(read))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel, built as an integrator builds it from a clone, with what is installed here."""
    home = tmp_path_factory.mktemp("wheel")
    options = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", home, PROJECT], check=True)
    return next(home.glob("instroom_contracts-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Path:
    """Return a folder with the wheel's content, pydantic and idna, and nothing else."""
    folder = wheel.parent / "site"
    options = ["--quiet", "--no-index", "--no-deps", "--disable-pip-version-check", "--target", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, wheel], check=True)
    for name in NEEDED:
        (folder / name).symlink_to(str(distribution("pydantic").locate_file(name)))
    return folder


def use(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run a program that sees this folder and the standard library only."""
    command = [sys.executable, "-I", "-S", "-W", "error", "-c", script, str(folder)]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_a_wheel_holds_the_package_with_types_schemas_and_samples(wheel: Path) -> None:
    """Who installs it needs no clone; what makes and checks it stays in the clone."""
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        data = {f"instroom_contracts/data/{kind}/{type}.json" for kind in ("schemas", "samples") for type in TYPES}
        modules = {f"instroom_contracts/{path.name}" for path in (PROJECT / "instroom_contracts").glob("*.py")}
        assert names == {"instroom_contracts/py.typed", *data, *modules}
        assert any(name.endswith(".dist-info/licenses/LICENSE") for name in archive.namelist())


def test_a_wheel_says_what_it_is_and_needs(wheel: Path) -> None:
    """Two packages, and no broker library: the integrator brings the one they like."""
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read(next(name for name in archive.namelist() if name.endswith("/METADATA"))).decode()
    assert [line for line in metadata.splitlines() if line.startswith("Requires-Dist")] == [
        "Requires-Dist: idna<4,>=3.10",
        "Requires-Dist: pydantic<3,>=2.12",
    ]
    assert "License-Expression: Apache-2.0" in metadata


def test_an_installed_wheel_reads_every_sample(installed: Path) -> None:
    """Beside these two alone, in a Python that sees nothing else of this project."""
    ran = use(installed, USE)
    assert ran.stderr == ""
    assert json.loads(ran.stdout) == {type: f"urn:nld:instroom:schema:{type}" for type in TYPES}


def test_a_program_there_sees_nothing_else(installed: Path) -> None:
    """The twin: other packages of the project's environment are out of reach, else the test above proves nothing."""
    assert "ModuleNotFoundError" in use(installed, f"{USE}\nimport aio_pika").stderr


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
