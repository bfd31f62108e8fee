"""Enrolment requests from a CSV file: one row each, and every mistake with its line and column."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import StringIO
from pathlib import Path

from cli.drafts import ANSWER, POINTERS, REQUIRED, Misfit, request_from
from cli.trouble import Trouble
from instroom_contracts.cloudevent import CloudEvent
from instroom_contracts.intake import EnrolmentRequested

COLUMNS = ", ".join(POINTERS)


@dataclass(frozen=True)
class Row:
    """A row that makes a valid request, and the line that it begins on."""

    line: int
    request: CloudEvent[EnrolmentRequested]


@dataclass(frozen=True)
class BadRow:
    """A row that does not, with what is wrong: (column, detail)."""

    line: int
    complaints: tuple[tuple[str, str], ...]

    def told(self, path: Path) -> str:
        """Say what is wrong, a line for each complaint: file, line, column, detail."""
        return "\n".join(": ".join(filter(None, (f"{path}:{self.line}", *pair))) for pair in self.complaints)


def read_rows(path: Path, defaults: Mapping[str, str], now: datetime) -> list[Row | BadRow]:
    """Read a CSV file in UTF-8, separated by commas or semicolons; `defaults` fill what a row leaves empty.

    Raises `Trouble` where the file as a whole cannot be used.
    """
    text = _text(path)
    separator = ";" if text.partition("\n")[0].count(";") > text.partition("\n")[0].count(",") else ","
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        columns = [_named(column.strip()) for column in next(reader, [])]
        _check_columns(columns, defaults, path)
        return _without_repeated_ids(_row(line, columns, cells, defaults, now) for line, cells in _numbered(reader))
    except csv.Error as error:
        raise Trouble(f"{path}:{reader.line_num}: this is no CSV: {error}.") from error


def _named(column: str) -> str:
    """Return a column's name in small letters; a question's id is as it is."""
    name, colon, question = column.partition(":")
    return f"{name.lower()}{colon}{question.strip()}"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise Trouble(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise Trouble(f"{path} is not UTF-8: save it as 'CSV UTF-8' (byte {error.start + 1} is not).") from error


def _numbered(reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """Give the rows with the line that they begin on; a quoted cell may hold line breaks."""
    begin = reader.line_num + 1  # type: ignore[attr-defined]
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield begin, cells
        begin = reader.line_num + 1  # type: ignore[attr-defined]


def _check_columns(columns: Sequence[str], defaults: Mapping[str, str], path: Path) -> None:
    known = set(POINTERS)
    complaints = [_unknown(column) for column in columns if column not in known and not column.startswith(ANSWER)]
    complaints += [
        f"the column '{name}' is there twice" for name in sorted({c for c in columns if columns.count(c) > 1})
    ]
    complaints += [
        f"the column '{name}' is missing" for name in REQUIRED if name not in columns and name not in defaults
    ]
    if complaints:
        raise Trouble(f"{path}:1: {'; '.join(complaints)}. Columns are {COLUMNS}, and {ANSWER}<question>.")


def _unknown(column: str) -> str:
    near = difflib.get_close_matches(column, POINTERS, n=1)
    return f"the column '{column}' is not known{f' (did you mean {near[0]}?)' if near else ''}"


def _row(
    line: int, columns: Sequence[str], cells: Sequence[str], defaults: Mapping[str, str], now: datetime
) -> Row | BadRow:
    if len(cells) != len(columns):
        return BadRow(line, (("", f"This row has {len(cells)} cells, and there are {len(columns)} columns."),))
    filled = {column: cell for column, cell in zip(columns, cells, strict=True) if cell.strip()}
    try:
        return Row(line, request_from({**defaults, **filled}, now))
    except Misfit as misfit:
        return BadRow(line, misfit.complaints)


def _without_repeated_ids(rows: Iterator[Row | BadRow]) -> list[Row | BadRow]:
    """Refuse an id that an earlier row has: the second one would change nothing and get no answer."""
    checked: list[Row | BadRow] = []
    lines: dict[tuple[str, str], int] = {}
    for row in rows:
        first = lines.setdefault((row.request.source, row.request.id), row.line) if isinstance(row, Row) else row.line
        again = BadRow(row.line, (("id", f"This id was used on line {first} already."),))
        checked.append(row if first == row.line else again)
    return checked
