"""What is published stays as it is: a change that breaks somebody is refused, and the refusal says how to do it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from instroom_contracts.topology import EVENTS, INTAKE, PRIVATE, TYPES
from publishing.published import (
    _INSTEAD,
    FOLDER,
    Current,
    Published,
    broken,
    freeze,
    main,
    published,
    touched,
    unfrozen,
)

PROJECT = FOLDER.parent
REQUEST, FACT = "nl.enrolments.enrolment-requested.v1", "nl.enrolments.session-full.v1"
OLD = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"enum": ["x"]}}, "required": ["a"]}


def explained(exchange: str, change: Callable[[dict[str, Any]], object]) -> str:
    """Return what is said of a change of a small published schema."""
    schema = json.loads(json.dumps(OLD))
    change(schema)
    frozen = Published("nl.enrolments.example.v1", exchange, "0.1.0", json.dumps(OLD))
    return "\n".join(broken([frozen], {frozen.type: Current(exchange, json.dumps(schema))}))


def requires_more(schema: dict[str, Any]) -> None:
    """Make an optional field required."""
    schema["required"].append("b")


def promises_less(schema: dict[str, Any]) -> None:
    """Make a required field optional."""
    schema["required"].clear()


def opens_a_list(schema: dict[str, Any]) -> None:
    """Add a value to a closed list."""
    schema["properties"]["b"]["enum"].append("y")


def adds(schema: dict[str, Any]) -> None:
    """Add an optional field."""
    schema["properties"]["c"] = {"type": "string"}


def removes(schema: dict[str, Any]) -> None:
    """Take an optional field away."""
    del schema["properties"]["b"]


@pytest.mark.parametrize(
    ("change", "refused_on"),
    [
        (adds, []),
        (requires_more, [INTAKE, EVENTS, PRIVATE]),
        (promises_less, [EVENTS]),
        (opens_a_list, [EVENTS]),
        (removes, [INTAKE, EVENTS, PRIVATE]),
    ],
)
def test_a_change_is_refused_where_it_breaks_somebody(
    change: Callable[[dict[str, Any]], object], refused_on: list[str]
) -> None:
    """What others send must still be taken; what others read must still hold, and the stream must still be readable."""
    assert [exchange for exchange in (INTAKE, EVENTS, PRIVATE) if explained(exchange, change)] == refused_on


def test_a_refusal_says_what_where_whom_and_what_to_do_instead() -> None:
    """Whoever changed a model did not know that somebody depends on it: the text has to tell."""
    assert explained(EVENTS, opens_a_list).splitlines() == [
        "nl.enrolments.example.v1 on instroom.events",
        '  /data/b: allows "y" now, and the list was closed',
        "  Breaks systems that read it: they would meet what the schema of 0.1.0 excludes, or miss what it promises.",
        "  Instead leave nl.enrolments.example.v1 as it is and add nl.enrolments.example.v2: "
        + _INSTEAD.partition("{next}: ")[2].format(major=2),
    ]
    assert "Breaks systems that publish it" in explained(INTAKE, requires_more)
    assert "Breaks whoever replays" in explained(EVENTS, requires_more)
    assert "Breaks an upgrade" in explained(PRIVATE, requires_more)


def test_a_type_that_goes_or_moves_is_refused() -> None:
    """Its schema may be as it was: nobody hears it where they listen."""
    frozen = [Published(FACT, EVENTS, "0.1.0", json.dumps(OLD))]
    assert "not in the contract any more" in "\n".join(broken(frozen, {}))
    assert "travels on instroom.private now" in "\n".join(broken(frozen, {FACT: Current(PRIVATE, json.dumps(OLD))}))


def test_the_contract_gets_along_with_what_is_published() -> None:
    """The check that CI makes; and each type that is released is there."""
    assert main([]) == 0
    assert {schema.type for schema in published(FOLDER)} <= set(TYPES)
    assert {REQUEST, FACT} <= {schema.type for schema in published(FOLDER)}


def test_every_published_version_counts(tmp_path: Path) -> None:
    """Somebody may have built on any of them, and the newest is told from the others by its number, not by its name."""
    freeze(tmp_path, "0.1.0")
    folder = tmp_path / EVENTS / FACT
    for version in ("0.10.0", "0.9.0"):
        shutil.copy(folder / "0.1.0.json", folder / f"{version}.json")
    assert [schema.version for schema in published(tmp_path) if schema.type == FACT] == ["0.1.0", "0.9.0", "0.10.0"]


def test_freezing_adds_what_is_new_and_nothing_else(tmp_path: Path) -> None:
    """A release publishes; publishing twice under one version would change what somebody has."""
    now = {REQUEST: Current(INTAKE, "{}")}
    assert freeze(tmp_path, "0.1.0") == list(TYPES)
    assert freeze(tmp_path, "0.2.0") == []
    assert unfrozen(published(tmp_path), now) == [REQUEST]
    path = tmp_path / INTAKE / REQUEST / "0.1.0.json"
    path.write_text("{}")
    with pytest.raises(ValueError, match="raise the version"):
        freeze(tmp_path, "0.1.0")
    assert path.read_text() == "{}"


def test_the_command_publishes_and_tells_what_it_cannot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is new is named until a release publishes it; a second time under one version is refused, file by file."""
    assert main([str(tmp_path)]) == 0
    assert REQUEST in capsys.readouterr().out
    assert main(["--freeze", str(tmp_path)]) == 0
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr() == ("", "")
    (path,) = (tmp_path / INTAKE / REQUEST).iterdir()
    older = path.read_text(encoding="utf-8").replace("Who takes part", "Who comes")
    path.write_text(older, encoding="utf-8")
    assert main(["--freeze", str(tmp_path)]) == 1
    assert "raise the version" in capsys.readouterr().err
    assert path.read_text(encoding="utf-8") == older


def git(folder: Path, *arguments: str) -> None:
    """Run git as somebody."""
    who = ["-c", "user.name=Robin Jansen", "-c", "user.email=robin.jansen@example.org"]
    subprocess.run([shutil.which("git") or "git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def test_a_published_file_that_is_touched_is_named(tmp_path: Path) -> None:
    """Else the check is passed by changing what it checks against; taking it back mends it."""
    git(tmp_path, "init")
    folder = tmp_path / "published"
    freeze(folder, "0.1.0")
    assert touched(folder) == []
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "Publish")
    assert touched(folder) == []
    changed, gone = folder / EVENTS / FACT / "0.1.0.json", folder / INTAKE / REQUEST / "0.1.0.json"
    changed.write_text("{}")
    gone.unlink()
    named = sorted(str(path.relative_to(folder)) for path in (changed, gone))
    assert touched(folder) == named
    git(tmp_path, "commit", "-am", "Touch")
    assert touched(folder) == named
    assert main([str(folder)]) == 1
    git(tmp_path, "checkout", "HEAD~", "published")
    assert touched(folder) == []


BREAKING = [
    (
        "intake.py",
        "Sparse[AskedLine | None] = None\n    d",
        "AskedLine\n    d",
        "/data/participant/region",
        "publish it",
    ),
    ("intake.py", "all_or_nothing: bool = False", "", "/data/allOrNothing", "publish it"),
    ("intake.py", "max_length=10)]] = ()", "max_length=5)]] = ()", "/data/companions", "publish it"),
    ("enrolment.py", "    queued: Count\n", "    queued: Count | None = None\n", "/data/queued", "read it"),
    ("enrolment.py", '"confirmed", "queued"]', '"confirmed", "queued", "held"]', "/data/places/*/state", "read it"),
    ("notification.py", "    sequence: Count\n", "    sequence: str\n", "/data/sequence", "an upgrade"),
]


@pytest.mark.parametrize(("module", "before", "after", "pointer", "whom"), BREAKING)
def test_a_breaking_edit_of_a_model_is_refused_by_the_command(
    tmp_path: Path, module: str, before: str, after: str, pointer: str, whom: str
) -> None:
    """The twin: the models as they are pass the same command on the same copy."""
    for part in ("instroom_contracts", "publishing", "published"):
        shutil.copytree(PROJECT / part, tmp_path / part)
    command = [sys.executable, "-m", "publishing.published"]
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode == 0
    path = tmp_path / "instroom_contracts" / module
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")
    refused = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert refused.returncode == 1
    assert f"  {pointer}: " in refused.stderr
    assert f"  Breaks {whom}" in refused.stderr or f"  Breaks systems that {whom}" in refused.stderr
