"""Hold the contract to what is published: `python -m publishing.published [--freeze] [FOLDER]`.

A published schema lies in `published/<exchange>/<type>/<version>.json` and is never touched again; a release adds what
is new. Today's schemas must get along with every one of them, by the rules of CHANGELOG.md.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha1
from pathlib import Path
from typing import NamedTuple

from instroom_contracts.schemas import schema_text
from instroom_contracts.topology import EVENTS, INTAKE, PRIVATE, TYPES
from publishing.compatibility import Change, Kind, changes

FOLDER = Path(__file__).parents[1] / "published"

_REFUSED: Mapping[str, Mapping[Kind, str]] = {
    INTAKE: {
        Kind.NARROWER: "systems that publish it: what they rightly send by the schema of {version} would be refused.",
    },
    EVENTS: {
        Kind.WIDER: "systems that read it: they would meet what the schema of {version} excludes, or miss what it"
        " promises.",
        Kind.NARROWER: "whoever replays: the stream keeps facts for 400 days, and those told by the schema of {version}"
        " would not be valid any more.",
    },
    PRIVATE: {
        Kind.NARROWER: "an upgrade: messages in the queues, and those of an older `instroom` command, follow the schema"
        " of {version} and would go to quarantine.",
    },
}
_INSTEAD = (
    "leave {type} as it is and add {next}: a class of the same name with `major = {major}`. Publish or take both for a"
    " while, and say in contracts/CHANGELOG.md until when. (Only an addition? Then give the new field a default.)"
)


class Published(NamedTuple):
    """One frozen schema: its event type, the exchange it travelled on, the release, and its text."""

    type: str
    exchange: str
    version: str
    text: str


class Current(NamedTuple):
    """What the models say today."""

    exchange: str
    text: str


def current() -> dict[str, Current]:
    """Return today's exchange and schema of every type."""
    return {type: Current(listed.exchange, schema_text(listed.model)) for type, listed in TYPES.items()}


def published(folder: Path) -> list[Published]:
    """Return every frozen schema, those of one type from old to new."""
    paths = sorted(folder.glob("*/*/*.json"), key=lambda path: (path.parent, _ordered(path.stem)))
    return [Published(path.parent.name, path.parts[-3], path.stem, path.read_text(encoding="utf-8")) for path in paths]


def broken(frozen: Sequence[Published], now: Mapping[str, Current]) -> Iterator[str]:
    """Explain, type by type, what breaks somebody: where, what changed, whom it breaks, and how to do it instead."""
    for schema in frozen:
        found = _changes(schema, now.get(schema.type))
        whom = {
            kind: (words, told)
            for kind, words in _REFUSED[schema.exchange].items()
            if (told := [f"  {change.pointer}: {change.what}" for change in found if change.kind & kind])
        }
        lines = dict.fromkeys(line for _, told in whom.values() for line in told)
        breaks = [f"  Breaks {words.format(version=schema.version)}" for words, _ in whom.values()]
        if lines:
            yield "\n".join([f"{schema.type} on {schema.exchange}", *lines, *breaks, _instead(schema.type)])


def unfrozen(frozen: Sequence[Published], now: Mapping[str, Current]) -> list[str]:
    """Name the types that are new or changed since they were last published."""
    newest = {schema.type: schema.text for schema in frozen}
    return [type for type, today in now.items() if newest.get(type) != today.text]


def touched(folder: Path) -> list[str]:
    """Name the frozen files that git knows and that are gone or no longer what they were when they came."""
    command = ["git", "-C", str(folder), "log", "--reverse", "--no-renames", "--diff-filter=A", "--format=", "-z"]
    ran = subprocess.run([*command, "--raw", "--no-abbrev", "--relative", "--", "."], capture_output=True, check=False)
    if ran.returncode:  # no clone
        return []
    fields = ran.stdout.decode().split("\0")
    first: dict[str, str] = {}
    for about, name in zip(fields[::2], fields[1::2], strict=False):
        first.setdefault(name, about.split(" ")[3])
    return [name for name, blob in sorted(first.items()) if _blob(folder / name) != blob]


def freeze(folder: Path, version: str) -> list[str]:
    """Add today's schemas that are new or changed under a version; raises `ValueError` where it has others already."""
    now = current()
    paths = {type: folder / now[type].exchange / type / f"{version}.json" for type in unfrozen(published(folder), now)}
    if there := [type for type, path in paths.items() if path.exists()]:
        raise ValueError(
            f"As {version} other schemas are published of {', '.join(there)}: raise the version in"
            " contracts/pyproject.toml and contracts/js/package.json first."
        )
    for type, path in paths.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(now[type].text, encoding="utf-8")
    return [*paths]


def main(arguments: Sequence[str] | None = None) -> int:
    """Tell what breaks the published contract, or freeze what is new where nothing does; returns the exit code."""
    parser = ArgumentParser(prog="python -m publishing.published", description="Check what is published.")
    parser.add_argument("--freeze", action="store_true", help="publish what is new under the version of pyproject.toml")
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER, help="what is published (default: %(default)s)")
    options = parser.parse_args(arguments)
    frozen, now = published(options.folder), current()
    trouble = [*broken(frozen, now), *map(_untouchable, touched(options.folder))]
    if options.freeze and not trouble:
        try:
            freeze(options.folder, _version())
        except ValueError as error:
            trouble = [str(error)]
    sys.stderr.writelines(f"{text}\n" for text in trouble)
    if trouble:
        return 1
    if not options.freeze and (names := unfrozen(frozen, now)):
        sys.stdout.write(f"New or changed since they were published, to be frozen by a release: {', '.join(names)}\n")
    return 0


def _changes(schema: Published, today: Current | None) -> list[Change]:
    if today is None:
        return [Change("", "is published, and not in the contract any more", Kind.BOTH)]
    if today.exchange != schema.exchange:
        return [Change("", f"travels on {today.exchange} now", Kind.BOTH)]
    found = changes(json.loads(schema.text), json.loads(today.text))
    return [change._replace(pointer=f"/data{change.pointer}") for change in found]


def _instead(type: str) -> str:
    name, _, major = type.rpartition(".v")
    following = int(major) + 1
    return f"  Instead {_INSTEAD.format(type=type, next=f'{name}.v{following}', major=following)}"


def _untouchable(name: str) -> str:
    return f"{name} was published and is changed or gone: take it back from git; a release only adds files."


def _version() -> str:
    about = tomllib.loads((FOLDER.parent / "pyproject.toml").read_text(encoding="utf-8"))
    return str(about["project"]["version"])


def _ordered(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _blob(path: Path) -> str | None:
    """Return the name that git gives to a file's content."""
    if not path.exists():
        return None
    content = path.read_bytes()
    return sha1(b"blob %d\0%b" % (len(content), content), usedforsecurity=False).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
