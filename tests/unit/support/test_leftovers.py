"""A test run that was killed leaves servers behind; the next run ends them, and no others."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from deploy.local.daemons import Daemon
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
