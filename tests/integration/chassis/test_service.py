"""A service as a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from deploy.errors import StartFailed
from tests.support.place import Place
from tests.support.running import ServiceProcess

NOWHERE = {
    "RABBITMQ_URL": "amqp://127.0.0.1:1/",
    "MONGO_URL": "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200",
    "MONGO_DATABASE": "nowhere",
    "HTTP_PORT": "0",
}


def test_a_service_that_waits_for_its_servers_can_be_stopped() -> None:
    """An operator who started it too early, or with a wrong address, must not have to kill it."""
    command = [sys.executable, "-m", "services.catalog.app"]
    with subprocess.Popen(command, env={**os.environ, **NOWHERE}, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "waiting_for_servers" in process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == -signal.SIGTERM


def test_a_service_that_fails_while_it_starts_ends(place: Place) -> None:
    """Whoever watches over it starts it afresh; a process that answers health checks and does nothing is left alone."""
    with pytest.raises(StartFailed, match="ended while it was starting"):
        ServiceProcess("catalog", place, {}, without="stillborn").start()
