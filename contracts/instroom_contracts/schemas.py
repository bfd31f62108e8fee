"""The JSON Schema of every event's data, and a sample of every event, to test with.

Write the schemas: `python -m instroom_contracts.schemas [--check] [FOLDER]`.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from instroom_contracts.cloudevent import EventData, schema_id, type_of
from instroom_contracts.topology import TYPES

_CLONE, _INSTALLED = Path(__file__).parents[1], Path(__file__).parent / "data"
_DATA = _INSTALLED if _INSTALLED.is_dir() else _CLONE

FOLDER = _DATA / "schemas"
"""Where the schemas lie, a file `<type>.json` for each event."""
SAMPLES = _DATA / "samples"
"""Where the samples lie, a whole message `<type>.json` of each event."""


class _Untitled(GenerateJsonSchema):
    """Leave out the titles that pydantic makes of field names: they say nothing new."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - pydantic's signature
        return False


def schema_text(model: type[EventData]) -> str:
    """Return a data model's JSON Schema (draft 2020-12) as the text of its file."""
    schema = model.model_json_schema(by_alias=True, schema_generator=_Untitled)
    about = {"$schema": GenerateJsonSchema.schema_dialect, "$id": schema_id(model), **schema, "title": type_of(model)}
    return json.dumps(about, indent=2, ensure_ascii=False) + "\n"


def schema(type: str) -> dict[str, Any]:
    """Return the JSON Schema of an event type's data; raises `KeyError` for a type that is not in the contract."""
    return dict(json.loads(schema_text(TYPES[type].model)))


def sample(type: str) -> bytes:
    """Return a message of an event type as it travels, with every field of its data; its names are made up.

    Raises `KeyError` for a type that is not in the contract.
    """
    return (SAMPLES / f"{type_of(TYPES[type].model)}.json").read_bytes()


def stale(folder: Path) -> list[str]:
    """Name the files that are missing, differ, or belong to no event."""
    wanted = _files()
    found = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    return sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))


def write(folder: Path) -> None:
    """Write every schema, and remove what belongs to no event."""
    folder.mkdir(parents=True, exist_ok=True)
    files = _files()
    for path in folder.glob("*.json"):
        if path.name not in files:
            path.unlink()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the schemas, or with `--check` tell which are stale; returns the exit code."""
    parser = ArgumentParser(prog="python -m instroom_contracts.schemas", description="Write the JSON Schemas.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a file is stale")
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER, help="where they lie (default: %(default)s)")
    options = parser.parse_args(arguments)
    if not options.check:
        write(options.folder)
        return 0
    names = stale(options.folder)
    for name in names:
        sys.stderr.write(f"{options.folder / name} is stale: run python -m instroom_contracts.schemas\n")
    return 1 if names else 0


def _files() -> dict[str, str]:
    return {f"{type}.json": schema_text(listed.model) for type, listed in TYPES.items()}


if __name__ == "__main__":
    sys.exit(main())
