"""A place changes in one file: pool, turn, count, place and enrolment are written nowhere else."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SERVICE = Path(__file__).parents[4] / "services" / "enrolment"
TRANSITIONS = SERVICE / "domain" / "transitions.py"
KINDS = {"POOLS", "SESSIONS", "WAITING", "ENROLMENTS", "PARTICIPANTS"}
SPARED = {TRANSITIONS, SERVICE / "storage" / "ledger.py", SERVICE / "domain" / "register.py"}
"""Where it happens, and the store that it happens to."""


def breaches(source: str) -> Iterator[str]:
    """Give every call that writes one of them: through the register, whatever of it was named before, or past it."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        kept_in = node.func.value.attr if isinstance(node.func.value, ast.Attribute) else ""
        written = node.func.attr in {"keep", "remove"} and kept_in != "editions"
        kinds = {name.id for name in node.args if isinstance(name, ast.Name)} & KINDS
        if written or node.func.attr == "change_pool" or (node.func.attr in {"put", "of"} and kinds):
            yield f"line {node.lineno}: {node.func.attr}"


def spared_line(source: str) -> str:
    """Leave out the one write in `Decision` that transitions go through."""
    return source.replace("self.register.pools.keep(after)", "")


@pytest.mark.parametrize("file", sorted({*SERVICE.rglob("*.py")} - SPARED), ids=lambda file: file.name)
def test_nothing_else_writes_what_a_place_consists_of(file: Path) -> None:
    """Eight writers of the same five documents would forget one of them in turn."""
    assert [*breaches(spared_line(file.read_text(encoding="utf-8")))] == []


def test_a_breach_is_seen() -> None:
    """Twin: where it is allowed the same search finds it, and past the register as well."""
    assert len([*breaches(TRANSITIONS.read_text(encoding="utf-8"))]) > 10
    assert [*breaches("documents.put(POOLS, pool.id, pool)")] == ["line 1: put"]
    assert [*breaches("pools = documents.of(POOLS)\npools.keep(pool)")] == ["line 1: of", "line 2: keep"]
    assert [*breaches("register.editions.keep(edition)")] == []
