"""docs/integrating.md as a stranger works through it, from nothing to a decided request and a received fact."""

from __future__ import annotations

from pathlib import Path

from deploy.local.servers import ROOT
from tests.support.clone import cloned
from tests.support.page import follow, steps

PAGE = ROOT / "docs/integrating.md"


def test_every_command_of_the_page_does_what_the_page_says(tmp_path: Path) -> None:
    """A stranger has nobody to ask, and leaves at the first command that fails."""
    todo = steps(PAGE.read_text(encoding="utf-8"))
    with cloned(tmp_path) as clone:
        done = follow(todo, clone.folder, clone.environment, within=300)
    assert [str(step) for step in done if not step.as_told] == []
    assert len(done) == len(todo)
