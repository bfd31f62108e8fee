"""What services do follows from the clock that they are handed and from what they are told, from no look aside."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOORS = {ROOT / "chassis" / "clock.py", ROOT / "chassis" / "chance.py"}
"""Where time and chance come from. `time.monotonic` measures pauses, and no decision is taken by it."""
LOOKS = {"now", "utcnow", "today", "time", "time_ns", "uuid1", "uuid4", "random", "uniform", "randint", "choice"}
CLOCKS = {"datetime", "date", "time", "uuid", "random", "secrets"}
GIVEN = {"new_event": {"id", "time"}, "decode": {"now"}}
"""What the contract's functions would look up themselves, where a caller does not say it."""
FILES = sorted({*(ROOT / "services").rglob("*.py"), *(ROOT / "chassis").glob("*.py")} - DOORS)


def breaches(source: str) -> Iterator[str]:
    """Give every place that asks the machine for the time, or draws lots."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in LOOKS and _is_a_clock(node.value):
            yield f"line {node.lineno}: {ast.unparse(node)}"
        if isinstance(node, ast.ImportFrom) and node.module in CLOCKS - {"datetime"}:
            yield from (f"line {node.lineno}: {name.name}" for name in node.names if name.name in LOOKS)
        if isinstance(node, ast.Call) and (left_out := GIVEN.get(ast.unparse(node.func), set()) - _named(node)):
            yield f"line {node.lineno}: {ast.unparse(node.func)} without {', '.join(sorted(left_out))}"


def _is_a_clock(value: ast.expr) -> bool:
    return ast.unparse(value).split(".")[-1] in CLOCKS


def _named(call: ast.Call) -> set[str]:
    return {keyword.arg for keyword in call.keywords if keyword.arg}


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_nothing_looks_aside(file: Path) -> None:
    """Who looks at another clock than the service's own acts in another year, on a stack whose clock was set."""
    assert [*breaches(file.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize(
    "source",
    [
        "datetime.now(UTC)",
        "partial(datetime.now, UTC)",
        "time.time()",
        "uuid.uuid4()",
        "from uuid import UUID, uuid4",
        "random.uniform(0, 1)",
        "new_event(data, source=source, id=id)",
        "decode(body, model=model)",
    ],
)
def test_a_look_aside_is_seen(source: str) -> None:
    """Twin: a search that finds nothing anywhere looks at nothing."""
    assert len([*breaches(source)]) == 1


def test_the_doors_are_where_it_comes_from() -> None:
    """Twin: the same search finds what they do."""
    assert all([*breaches(door.read_text(encoding="utf-8"))] for door in DOORS)
