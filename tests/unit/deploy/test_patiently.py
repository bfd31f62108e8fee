"""Set-up waits where a fresh machine still installs its own updates, and for nothing else."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "deploy/patiently"
LOCKED = "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 812 (unattended-upgr)"


@dataclass(frozen=True)
class Ended:
    """What came of a command: its exit code, how often it was run, what the log holds and what a person saw."""

    code: int
    calls: int
    log: str
    seen: str


def patiently(folder: Path, errors: list[str], *, patience_s: int = 60) -> Ended:
    """Run a command that fails with these errors, one after the other, and then works."""
    (folder / "errors").write_text("".join(f"{error}\n" for error in errors))
    command = folder / "apt-get"
    command.write_text(
        "#!/bin/sh\necho call >>calls\n"
        'error=$(sed -n "$(grep -c . calls)p" errors)\n'
        '[ -z "$error" ] || { echo "$error" >&2; exit 100; }\n'
    )
    command.chmod(0o755)
    ended = subprocess.run(
        ["/bin/bash", "-c", f"{SCRIPT} ./apt-get update 3>&1 >log 2>&1"],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "INSTROOM_APT_PAUSE_S": "0", "INSTROOM_APT_PATIENCE_S": str(patience_s)},
        capture_output=True,
        text=True,
        check=False,
    )
    calls = (folder / "calls").read_text().splitlines()
    return Ended(ended.returncode, len(calls), (folder / "log").read_text(), ended.stdout)


@pytest.mark.parametrize(
    "error",
    [
        LOCKED,
        "E: Unable to lock directory /var/cache/apt/archives/",
        "E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another process using it?",
    ],
)
def test_it_waits_while_another_program_has_the_locks(tmp_path: Path, error: str) -> None:
    """Whoever tries Instroom on a fresh machine would be told to come back, by the first command of the README."""
    ended = patiently(tmp_path, [error, error])
    assert (ended.code, ended.calls) == (0, 3)
    assert ended.log.splitlines() == [error, error]


def test_a_person_sees_once_for_whom_it_waits(tmp_path: Path) -> None:
    """A set-up that stands still without a word is taken for one that hangs."""
    ended = patiently(tmp_path, [LOCKED, LOCKED])
    assert ended.seen == "waiting for process 812 (unattended-upgr), which holds the locks of apt (60 s at most) ... "


def test_it_gives_up_in_the_end(tmp_path: Path) -> None:
    """A program that never lets go is for a person to look at."""
    ended = patiently(tmp_path, [LOCKED] * 1000, patience_s=0)
    assert (ended.code, ended.calls) == (100, 1)
    assert "still locked by process 812 (unattended-upgr)" in ended.log


def test_other_trouble_is_told_at_once(tmp_path: Path) -> None:
    """A package that is not there comes no sooner for waiting."""
    error = "E: Unable to locate package rabbitmq-server"
    assert patiently(tmp_path, [error]) == Ended(100, 1, f"{error}\n", "")
