"""Background processes: found again, ended, and never taken for somebody else's."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.errors import StartFailed
from deploy.local.daemons import Daemon
from tests.support.eventually import eventually

PATIENT = [sys.executable, "-c", "import time; print('here', flush=True); time.sleep(60)"]
STUBBORN = [sys.executable, "-c", f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {PATIENT[2]}"]


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """Provide a process of a home of its own, ended after the test."""
    daemon = Daemon("example", tmp_path)
    yield daemon
    daemon.kill()


async def started(daemon: Daemon, command: list[str]) -> int:
    """Start a command, wait until it speaks, and return its process id."""
    daemon.start(command, os.environ)
    await eventually(lambda: "here" in daemon.log_file.read_text(encoding="utf-8"))
    pid = daemon.pid()
    assert pid is not None
    return pid


async def test_a_running_process_is_not_started_twice(daemon: Daemon) -> None:
    """`make up` may be said again at any time."""
    pid = await started(daemon, PATIENT)
    daemon.start(PATIENT, os.environ)
    assert Daemon(daemon.name, daemon.home).pid() == pid


async def test_a_stopped_process_is_gone_and_forgotten(daemon: Daemon) -> None:
    """After `make down` nothing of ours runs, and no process id is left to be mistaken."""
    pid = await started(daemon, PATIENT)
    daemon.terminate()
    daemon.join()
    assert daemon.pid() is None
    assert not daemon.pid_file.exists()
    assert not Path(f"/proc/{pid}").exists()


async def test_a_process_that_does_not_stop_is_killed(daemon: Daemon) -> None:
    """`make down` comes to an end whatever hangs."""
    pid = await started(daemon, STUBBORN)
    daemon.terminate()
    daemon.join(within=0.1)
    assert not Path(f"/proc/{pid}").exists()


def test_a_process_id_that_went_to_somebody_else_is_left_alone(daemon: Daemon) -> None:
    """Process ids are given out again; only the moment of the start makes one ours."""
    with subprocess.Popen(PATIENT, stdout=subprocess.DEVNULL) as stranger:
        daemon.pid_file.parent.mkdir()
        daemon.pid_file.write_text(f"{stranger.pid} earlier-boot/12345\n", encoding="ascii")
        daemon.terminate()
        daemon.kill()
        assert stranger.poll() is None
        stranger.kill()


def test_the_end_of_the_log_tells_why_a_process_did_not_start(daemon: Daemon) -> None:
    """A person at the terminal needs the reason, not the name of a file."""
    daemon.start([sys.executable, "-c", "raise SystemExit('no licence')"], os.environ)
    with pytest.raises(StartFailed, match=r"example ended while it was starting(.|\n)*no licence"):
        daemon.wait_until(lambda: False)


async def test_a_process_that_never_gets_ready_is_reported(daemon: Daemon) -> None:
    """`make up` gives up at some time, and says on what."""
    await started(daemon, PATIENT)
    with pytest.raises(StartFailed, match="example was not ready after 0 s"):
        daemon.wait_until(lambda: False, within=0)
