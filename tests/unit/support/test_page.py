"""The commands of a page are found, run in one shell, and held against what the page says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.page import Done, blocks, follow, steps

PAGE = """\
# A page

```sh
export NAME=Robin
cd /
```

```sh
echo "$NAME is in $PWD, at $(date)"
```

It prints

```text
Robin is in /, at ...
```

```sh not-run
exit 1
```

```json
{}
```
"""


def done(page: str, folder: Path) -> list[Done]:
    """Work through a page."""
    return follow(steps(page), folder, os.environ)


def test_commands_share_a_shell_and_print_what_is_said(tmp_path: Path) -> None:
    """A reader types them into one terminal; times and ids differ each time."""
    assert [(step.step.line, step.as_told) for step in done(PAGE, tmp_path)] == [(4, True), (9, True)]


def test_what_is_marked_is_not_run() -> None:
    """Some commands need what no test has."""
    assert [block.kind for block in blocks(PAGE)] == ["sh", "sh", "text", "sh not-run", "json"]
    assert not any("exit 1" in step.commands for step in steps(PAGE))


@pytest.mark.parametrize(
    ("was", "becomes"),
    [("Robin is", "Robin was"), ("at ...", "at noon"), ("export NAME=Robin", "false"), ("cd /", "cd /nowhere")],
)
def test_a_page_that_is_wrong_is_seen(was: str, becomes: str, tmp_path: Path) -> None:
    """A check that nothing can fail checks nothing."""
    assert not all(step.as_told for step in done(PAGE.replace(was, becomes), tmp_path))


def test_a_command_that_fails_is_the_last(tmp_path: Path) -> None:
    """What follows builds on it; its output and its line say where to look."""
    (only,) = done(PAGE.replace("cd /", "echo oops; false"), tmp_path)
    assert not only.worked
    assert "line 4 failed" in str(only)
    assert "+oops" in str(only)
