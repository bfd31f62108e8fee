"""The JavaScript package is what a TypeScript developer needs: packed, installed, compiled against and imported."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from instroom_contracts import topology
from instroom_contracts.schemas import FOLDER as SCHEMAS
from instroom_contracts.topology import TYPES
from publishing.javascript import FOLDER, bundle, files, main, stale

BIN = Path(sys.executable).parent
NPM_CI = FOLDER.parents[1] / "deploy/npm-ci"
README = re.findall(r"```typescript\n(.*?)```", (FOLDER / "README.md").read_text(encoding="utf-8"), re.DOTALL)

CONSUMER = """
import { EVENTS, EXCHANGES, TYPES, type CloudEvent, type DataByType, type Fact, type Intake } from "instroom-contracts";
import schema from "instroom-contracts/schemas/nl.enrolments.session-full.v1.json" with { type: "json" };
import sample from "instroom-contracts/samples/nl.enrolments.session-full.v1.json" with { type: "json" };

const exchange: "instroom.events" = EXCHANGES["nl.enrolments.session-full.v1"];
const full: CloudEvent<DataByType[typeof TYPES.SessionFull]> = { ...sample, specversion: "1.0" };
export function seats(fact: Fact): number {
  return fact.type === TYPES.SessionFull ? fact.data.capacity - fact.data.confirmed : NaN;
}
export const asked: Intake["type"] = TYPES.EnrolmentCancellationRequested;
export const told = [exchange === EVENTS, full.data.queued, schema.$id, seats(JSON.parse("{}") as Fact)];
"""
MISTAKES = {
    "a misspelt field": ("fact.data.capacity", "fact.data.capasity"),
    "a field of another event": ("fact.data.confirmed", "fact.data.enrolmentId"),
    "a type that is no fact": ("TYPES.SessionFull ?", "TYPES.EnrolmentRequested ?"),
    "a fact that is published as a request": ("TYPES.EnrolmentCancellationRequested", "TYPES.SessionFull"),
    "another exchange": ('exchange: "instroom.events"', 'exchange: "instroom.intake"'),
}
TSC = ["--strict", "--noEmit", "--module", "nodenext", "--target", "es2022", "--resolveJsonModule", "--pretty", "false"]


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a program of the project's own Node."""
    return subprocess.run(
        [*map(str, command)], cwd=cwd, capture_output=True, text=True, check=False, env={"PATH": f"{BIN}:/usr/bin:/bin"}
    )


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project in which the packed package is installed."""
    home = tmp_path_factory.mktemp("consumer")
    subprocess.run([NPM_CI, "contracts/js"], check=True)
    done = run("npm", "pack", "--pack-destination", home, cwd=FOLDER)
    assert done.returncode == 0, done.stderr
    with tarfile.open(next(home.glob("*.tgz"))) as archive:
        archive.extractall(home / "node_modules", filter="data")
    (home / "node_modules/package").rename(home / "node_modules/instroom-contracts")
    (home / "package.json").write_text('{"type": "module"}')
    return home


def compiled(home: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Compile a file of somebody who uses the package, as strictly as TypeScript can."""
    (home / "consumer.ts").write_text(code, encoding="utf-8")
    return run(FOLDER / "node_modules/.bin/tsc", *TSC, "consumer.ts", cwd=home)


def test_the_files_are_fresh() -> None:
    """Readers of the repository see the types, and they are those of the models."""
    subprocess.run([NPM_CI, "contracts/js"], check=True)
    assert stale(FOLDER) == []


def test_a_stale_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The twin of the check: a changed and a missing file are seen, and writing mends it."""
    assert main([str(tmp_path)]) == 0
    (tmp_path / "index.js").write_text("")
    (tmp_path / "data.d.ts").unlink()
    assert main(["--check", str(tmp_path)]) == 1
    assert capsys.readouterr().err.count("is stale") == 2
    assert main([str(tmp_path)]) == 0
    assert stale(tmp_path) == []


def test_a_package_holds_types_schemas_and_samples_and_nothing_else(packed: Path) -> None:
    """Who installs it needs no clone; what made it stays here."""
    inside = packed / "node_modules/instroom-contracts"
    names = {str(path.relative_to(inside)) for path in inside.rglob("*") if path.is_file()}
    data = {f"{folder}/{type}.json" for folder in ("schemas", "samples") for type in TYPES}
    assert names == {"LICENSE", "README.md", "package.json", *files(), *data}
    for name in data:
        assert (inside / name).read_bytes() == (SCHEMAS.parent / name).read_bytes()


def test_it_depends_on_nothing_and_has_the_version_of_the_python_package() -> None:
    """One contract, one version; a package of types must not bring others along."""
    about = json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))
    python = (SCHEMAS.parent / "pyproject.toml").read_text(encoding="utf-8")
    assert f'version = "{about["version"]}"' in python
    assert "dependencies" not in about
    assert "resolved" not in (FOLDER / "package-lock.json").read_text(encoding="utf-8")


def test_node_imports_the_names(packed: Path) -> None:
    """The constants exist when the program runs, not only for the compiler."""
    script = 'import * as all from "instroom-contracts"; console.log(JSON.stringify(all))'
    done = run("node", "--input-type=module", "--eval", script, cwd=packed)
    names: dict[str, Any] = json.loads(done.stdout)
    assert names["TYPES"] == {listed.model.__name__: type for type, listed in TYPES.items()}
    assert names["EXCHANGES"] == {type: listed.exchange for type, listed in TYPES.items()}
    assert (names["INTAKE"], names["EVENTS"], names["STREAM"]) == (topology.INTAKE, topology.EVENTS, topology.STREAM)


@pytest.mark.parametrize("code", [CONSUMER, *README], ids=["consumer", "readme: ask", "readme: read"])
def test_a_strict_consumer_compiles(packed: Path, code: str) -> None:
    """Events are told apart by their type, and schemas and samples are imported with theirs."""
    needs_node = 'import { randomUUID } from "node:crypto";'
    code = code.replace(needs_node, "declare const randomUUID: () => string;")  # instead of @types/node
    done = compiled(packed, code)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_does_not_compile(packed: Path, mistake: str) -> None:
    """The twin: types that take everything would be worth nothing."""
    right, wrong = MISTAKES[mistake]
    assert CONSUMER.count(right) == 1
    assert re.search(r"error TS\d+", compiled(packed, CONSUMER.replace(right, wrong)).stdout)


def test_every_sample_has_its_type(packed: Path) -> None:
    """The types say what travels: the compiler takes each sample as the event that it is."""
    samples = {type: (SCHEMAS.parent / f"samples/{type}.json").read_text(encoding="utf-8") for type in TYPES}
    lines = [f'export const event{at}: EventOf<"{type}"> = {samples[type]};' for at, type in enumerate(TYPES)]
    done = compiled(packed, "\n".join(['import type { EventOf } from "instroom-contracts";', *lines]))
    assert (done.returncode, done.stdout) == (0, "")


def test_parts_of_one_name_must_be_one_thing() -> None:
    """Types have no folders: a second meaning of a name would silently replace the first."""
    one = {"title": "a", "type": "object", "$defs": {"Place": {"type": "object"}}}
    other = deepcopy(one) | {"title": "b", "$defs": {"Place": {"type": "string"}}}
    assert set(bundle({"A": one, "B": one | {"title": "b"}})["$defs"]) == {"A", "B", "Place"}
    with pytest.raises(ValueError, match="Place"):
        bundle({"A": one, "B": other})
