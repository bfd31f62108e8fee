"""Programme files: YAML in, editions to hand in out, every mistake told at once with its file, line and field.

A file says once what its editions share. A session is laid together from three layers, of which the last wins:
`everySession`, its entry under `sessions`, and what an edition says under the session's id. So is an edition, from
`provider`, `programme` and its entry under `editions`. Fields are named as on the wire (EditionPublished), except:

- `id`: the id of a provider, programme, edition or session; `name`: the provider's name;
- `date`, `from`, `to`: a session's day and hours in the Netherlands; without a date the hours are told as they are;
- `through` in a deadline: its last day, to the end;
- `twins`: sister editions that hold the same session, or `edition/session` where its id differs there;
- `joinUrl`: a session's meeting link, which travels apart from the public edition.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from instroom_contracts.catalog import EditionSubmitted
from instroom_contracts.problems import Problem, problems_in
from services.catalog import rules
from services.catalog.layers import submissions
from services.catalog.written import Block, Mark, Unreadable, mark_of, parse

_IN_FILES = {"editionId": "id", "sessionId": "id", "programmeId": "id", "providerName": "name", "at": "through"}
"""Fields that are written under another name than they have on the wire."""


class Mistake(NamedTuple):
    """One thing to mend: in which file, on which line (from 1), in which field, and how."""

    file: Path
    line: int
    field: str
    detail: str

    def __str__(self) -> str:
        """Say it on one line, beginning as editors expect of a place in a file."""
        return ": ".join(part for part in (f"{self.file}:{self.line}", self.field, self.detail) if part)


class ProgrammesInvalid(Exception):
    """Programme files that cannot be loaded, with every mistake in them."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(set(mistakes)))
        super().__init__("\n".join(map(str, self.mistakes)))


def load(paths: Iterable[Path]) -> tuple[EditionSubmitted, ...]:
    """Read the editions in these files, or in the .yaml files of these folders.

    How editions agree with each other (ids, twins, pools) is judged once each is right by itself. Raises
    `ProgrammesInvalid`.
    """
    files = [_File(path) for path in dict.fromkeys(path for given in paths for path in _files_in(given))]
    read = [(file, root, submitted) for file in files for root, submitted in file.read()]
    if not any(file.mistakes for file in files):
        for number, problem in rules.problems_between([submitted for _, _, submitted in read]):
            file, root, _ = read[number]
            file.complain_of([problem], root)
    if mistakes := [mistake for file in files for mistake in file.mistakes]:
        raise ProgrammesInvalid(mistakes)
    return tuple(submitted for _, _, submitted in read)


def _files_in(path: Path) -> Sequence[Path]:
    return sorted(path.glob("*.yaml")) or [path] if path.is_dir() else [path]


class _File:
    """One file, and the mistakes found in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.mistakes: list[Mistake] = []

    def complain(self, mark: Mark, detail: str) -> None:
        """Note a mistake."""
        self.mistakes.append(Mistake(self.path, mark.line, _IN_FILES.get(mark.field, mark.field), detail))

    def complain_of(self, problems: Iterable[Problem], root: Block) -> None:
        """Note problems of an edition where their values were written."""
        for problem in problems:
            self.complain(mark_of(root, problem.pointer), problem.detail)

    def read(self) -> Iterator[tuple[Block, EditionSubmitted]]:
        """Yield the editions that have their form on the wire, with the values that they were read from."""
        for root in self._roots():
            self._complain_of_unknown_fields(root)
            try:
                submitted = EditionSubmitted.model_validate(root, by_alias=True, by_name=False)
            except ValidationError as error:
                self.complain_of(problems_in(error, EditionSubmitted), root)
            else:
                self.complain_of(rules.problems_in(submitted), root)
                yield root, submitted

    def _roots(self) -> Iterator[Block]:
        try:
            yield from submissions(parse(self.path.read_text(encoding="utf-8")), self.complain)
        except Unreadable as unreadable:
            self.complain(unreadable.mark, unreadable.detail)
        except IsADirectoryError:
            self.complain(Mark(1, ""), "This folder holds no .yaml files: name another.")
        except (OSError, UnicodeDecodeError) as error:
            self.complain(Mark(1, ""), f"This file cannot be read ({error}): name another, or save it as UTF-8.")

    def _complain_of_unknown_fields(self, root: Block) -> None:
        """Refuse fields that the contract would ignore, since a misspelt one would be lost without a word."""
        try:
            EditionSubmitted.model_validate(root, extra="forbid", by_alias=True, by_name=False)
        except ValidationError as error:
            unknown = [found["loc"] for found in error.errors(include_url=False) if found["type"] == "extra_forbidden"]
            for loc in unknown:
                mark = mark_of(root, "/" + "/".join(map(str, loc)))
                self.complain(mark, f"There is no such field.{_meant(mark.field)}")


def _meant(field: str) -> str:
    near = difflib.get_close_matches(field, _known_fields(), n=1)
    return f" Is {near[0]} meant?" if near else " Correct its name or remove it."


def _known_fields() -> set[str]:
    parts = EditionSubmitted.model_json_schema()["$defs"].values()
    return {_IN_FILES.get(name, name) for part in parts for name in part["properties"]} | {"date", "from", "to"}
