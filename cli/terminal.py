"""What a command shows: tables, JSON for other programs, and the lines and remarks that checks show too."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from instroom_checking.terminal import printable, remark, show, write

__all__ = ["printable", "remark", "show", "show_json", "show_table", "shown"]

WIDTH_IN_PIPES = 200


def show_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Show a table; numbers stand to the right, None is a dash."""
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    known = [list(row) for row in rows]
    for number, column in enumerate(columns):
        is_numeric = any(isinstance(row[number], int | float) for row in known)
        table.add_column(column, justify="right" if is_numeric else "left", overflow="fold")
    for row in known:
        table.add_row(*(Text(shown(cell)) for cell in row))
    console = Console(width=None if sys.stdout.isatty() else WIDTH_IN_PIPES, highlight=False)
    console.print(table if known else Text(f"{title}: none"))
    console.print()


def shown(cell: object) -> str:
    """Write one value for people: a dash for None, a time to the second in this machine's zone."""
    if cell is None:
        return "-"
    if isinstance(cell, datetime):
        return cell.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return printable(str(cell))


def show_json(value: Any) -> None:
    """Write one JSON value on a line of its own."""
    write(json.dumps(value, ensure_ascii=False, default=_as_json))


def _as_json(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    raise TypeError(f"{type(value).__name__} is no JSON")
