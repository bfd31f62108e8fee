"""A test run that was killed leaves servers behind; the next run ends them, and no others."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from threading import Thread

import pytest

from deploy.local.daemons import Daemon
from tests.support import leftovers
from tests.support.leftovers import own_home, sweep

PATIENT = [sys.executable, "-c", "import time; time.sleep(60)"]


def test_what_a_killed_run_left_is_ended(tmp_path: Path) -> None:
    """Else every cancelled run costs the machine a broker and a database."""
    left = Daemon("rabbitmq", tmp_path / "killed")
    left.start(PATIENT, os.environ)
    sweep(tmp_path)
    assert left.pid() is None
    assert not left.home.exists()


def test_a_run_that_goes_on_is_left_alone(tmp_path: Path) -> None:
    """Two runs at a time do not end each other's servers."""
    with own_home(tmp_path) as home:
        daemon = Daemon("rabbitmq", home)
        daemon.start(PATIENT, os.environ)
        sweep(tmp_path)
        assert daemon.pid() is not None
    assert not home.exists()


def test_a_home_is_not_swept_before_it_is_held(tmp_path: Path, swept_when_made: None) -> None:
    """Of two workers that begin at the same moment neither takes the other's home for one that is left behind."""
    with own_home(tmp_path) as home:
        assert home.exists()


def test_without_the_scratch_folders_lock_it_is(
    tmp_path: Path, swept_when_made: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin of the test above."""
    monkeypatch.setattr(leftovers, "_alone", nullcontext)
    with pytest.raises(FileNotFoundError), own_home(tmp_path):
        pass


@pytest.fixture
def swept_when_made(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have another run sweep at the moment when a home has been made and not yet held."""
    others: list[Thread] = []
    make = tempfile.mkdtemp

    def made(dir: Path) -> str:
        home = make(dir=dir)
        others.append(Thread(target=sweep, args=(dir,)))
        others[0].start()
        others[0].join(timeout=0.2)  # where the guard is on, it waits for us
        return home

    monkeypatch.setattr(tempfile, "mkdtemp", made)
    yield
    others[0].join()
