"""The page of rules and the tests of them are one list."""

from __future__ import annotations

import re
from pathlib import Path

from instroom_contracts.schemas import FOLDER

PAGE = (FOLDER.parent / "CONFORMANCE.md").read_text(encoding="utf-8")
PROJECT = FOLDER.parents[1]
RULES = [path for path in Path(__file__).parent.glob("test_*.py") if path.stem not in {"test_page", "test_sdk"}]


def named_in(path: Path) -> set[str]:
    """Return the names of the tests in a file."""
    return set(re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE))


def test_every_rule_names_its_test_and_every_test_its_rule() -> None:
    """A reader goes from a rule to its proof, and nobody takes a test away unseen."""
    assert set(re.findall(r"`(test_\w+)`", PAGE)) == set().union(*map(named_in, RULES))


def test_tests_elsewhere_exist() -> None:
    """What another part of the project proves is named with its file."""
    elsewhere = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", PAGE)
    assert len(elsewhere) == 3
    assert [name for path, name in elsewhere if name not in named_in(PROJECT / path)] == []


def test_a_rule_is_kept_departed_from_or_does_not_apply() -> None:
    """No row is left open."""
    rows = re.findall(
        r"^\| (?!rule|from|---)(?:[^|]*) \| ([^|]*) \|$", PAGE.partition("## CloudEvents")[2], re.MULTILINE
    )
    assert len(rows) > 50
    assert [row for row in rows if not re.search(r"test_|does not apply|^above$", row)] == []
