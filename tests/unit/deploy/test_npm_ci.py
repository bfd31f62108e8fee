"""npm packages are installed once per lock file, so that checks cost nothing where nothing changed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "deploy/npm-ci"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a clone with one npm project, and an npm that notes when it is called."""
    for folder in ("deploy", ".venv/bin", "project"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(SCRIPT, tmp_path / "deploy")
    (tmp_path / ".venv/bin/node").write_text("#!/bin/sh\necho v24.0.0\n")
    npm = '#!/bin/sh\necho "$PWD $1" >>"${0%/*}/calls"\n[ ! -e broken ] || exit 1\nmkdir -p node_modules\n'
    (tmp_path / ".venv/bin/npm").write_text(npm)
    for program in ("node", "npm"):
        (tmp_path / ".venv/bin" / program).chmod(0o755)
    for name in ("package.json", "package-lock.json"):
        (tmp_path / "project" / name).write_text("{}")
    return tmp_path


def install(clone: Path) -> tuple[int, int]:
    """Install the project's packages; returns the exit code, and how often npm was called so far."""
    code = subprocess.run([clone / "deploy/npm-ci", "project"], check=False, capture_output=True).returncode
    calls = (clone / ".venv/bin/calls").read_text().splitlines()
    assert set(calls) == {f"{clone / 'project'} ci"}
    return code, len(calls)


def test_packages_are_installed_once(clone: Path) -> None:
    """The second check is as fast as if there were no JavaScript."""
    assert install(clone) == (0, 1)
    assert install(clone) == (0, 1)


@pytest.mark.parametrize("change", ["package-lock.json", "package.json", "node_modules"])
def test_packages_are_installed_again_when_something_changed(clone: Path, change: str) -> None:
    """Else the check judges with what somebody else does not have."""
    install(clone)
    path = clone / "project" / change
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.write_text('{"lockfileVersion": 3}')
    assert install(clone) == (0, 2)


def test_a_failed_installation_is_not_taken_for_one(clone: Path) -> None:
    """It fails loudly, and the next run tries again."""
    (clone / "project/broken").touch()
    assert install(clone) == (1, 1)
    (clone / "project/broken").unlink()
    assert install(clone) == (0, 2)
