"""Every connection of ours is made in one place, with the stream that lets nothing pass that could end it."""

from __future__ import annotations

import re
from pathlib import Path

import aio_pika
import pytest
from faststream.rabbit import RabbitBroker
from yarl import URL

from chassis.connections import Connection, RobustConnection
from chassis.incoming import Transport

ROOT = Path(__file__).parents[3]
CONNECTS = re.compile(r"\b(?:aio_pika|aiormq)\.connect(?:_robust)?\(")


def test_nobody_connects_by_the_client_itself() -> None:
    """One command that does is one that a single message stops. The demo plays other people's systems.

    Checks do, and read no message (tests/unit/checking/test_broker.py).
    """
    folders = ("chassis", "services", "cli", "deploy", "checking")
    files = (file for folder in folders for file in (ROOT / folder).rglob("*.py"))
    found = [str(file.relative_to(ROOT)) for file in files if CONNECTS.search(file.read_text(encoding="utf-8"))]
    assert found == ["chassis/connections.py", "checking/instroom_checking/broker.py"]


@pytest.mark.parametrize("kind", [Connection, RobustConnection])
async def test_a_connection_reads_through_our_stream(kind: type[Connection]) -> None:
    """The client hands on what it finds in this attribute; another version may not."""
    made = kind(URL("amqp://127.0.0.1:1/"))
    assert isinstance(made.kwargs["transport_factory"], Transport)


def test_faststream_takes_the_class_of_its_connection() -> None:
    """It has no argument for that; what stands there is handed to aio-pika's `connect_robust`."""
    assert set(RabbitBroker("amqp://127.0.0.1:1/")._connection_kwargs) == {
        *("url", "ssl_context", "timeout", "fail_fast", "reconnect_interval"),
    }
    assert "connection_class" in (aio_pika.connect_robust.__doc__ or "")
